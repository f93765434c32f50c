"""Residual networks of PyTorch's own layers, under torchvision's names."""

from collections import OrderedDict

import torch


class TorchBlock(torch.nn.Module):
    """A basic block under torchvision's names."""

    def __init__(self, inplanes, planes, stride):
        super().__init__()
        t = torch.nn
        self.conv1 = t.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = t.BatchNorm2d(planes)
        self.conv2 = t.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = t.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = t.Sequential(
                t.Conv2d(inplanes, planes, 1, stride, bias=False), t.BatchNorm2d(planes)
            )

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


def torch_resnet(blocks, num_classes, stem):
    t = torch.nn
    layers = {
        "conv1": t.Conv2d(3, 64, 7, 2, 3, bias=False)
        if stem == "imagenet"
        else t.Conv2d(3, 64, 3, 1, 1, bias=False),
        "bn1": t.BatchNorm2d(64),
        "relu": t.ReLU(),
        "maxpool": t.MaxPool2d(3, 2, 1) if stem == "imagenet" else t.Identity(),
    }
    inplanes = 64
    for i, count in enumerate(blocks):
        planes = 64 * 2**i
        strides = [1 if i == 0 else 2] + [1] * (count - 1)
        layers[f"layer{i + 1}"] = t.Sequential(
            *(TorchBlock(inplanes if j == 0 else planes, planes, s) for j, s in enumerate(strides))
        )
        inplanes = planes
    layers |= {"avgpool": t.AdaptiveAvgPool2d((1, 1)), "flatten": t.Flatten()}
    return t.Sequential(OrderedDict(layers, fc=t.Linear(512, num_classes)))
