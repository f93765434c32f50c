# ruff: noqa  written as such scripts are
"""The lecture's script: a convolutional network, SGD with momentum, a loop over epochs."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
device = torch.device("cpu")


class DigitImages(Dataset):
    def __init__(self, part):
        self.images = torch.from_numpy(np.load(f"{part}_images.npy")).float() / 8 - 1
        self.labels = torch.from_numpy(np.load(f"{part}_labels.npy"))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index].unsqueeze(0), self.labels[index]


trainset, testset = DigitImages("train"), DigitImages("test")
trainloader = DataLoader(trainset, batch_size=64, shuffle=True, num_workers=0)
testloader = DataLoader(testset, batch_size=128, shuffle=False)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.fc1 = nn.Linear(64 * 2 * 2, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(x)
        x = self.conv2(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        x = self.fc1(x)
        x = F.relu(x)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


net = Net().to(device)
criterion = nn.NLLLoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

losses = []
for epoch in range(6):
    net.train()
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data[0].to(device), data[1].to(device)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    losses.append(running_loss / len(trainloader))
    print(f"[{epoch + 1}] loss: {losses[-1]:.3f}")

correct = 0
total = 0
net.eval()
with torch.no_grad():
    for images, labels in testloader:
        outputs = net(images)
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()

accuracy = correct / total
print("Accuracy of the network on the %d test images: %d %%" % (total, 100 * accuracy))

class_correct = [0.0] * 10
with torch.no_grad():
    for images, labels in testloader:
        c = (net(images).argmax(dim=1) == labels).squeeze()
        for i in range(len(labels)):
            class_correct[labels[i]] += c[i].item()
