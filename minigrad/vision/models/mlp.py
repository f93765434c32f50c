"""Networks of linear layers, for images as vectors."""

from collections.abc import Sequence

from minigrad import nn
from minigrad.tensor import Tensor


class LinearClassifier(nn.Module):
    """Scores (N, num_classes) of images (N, ...) of in_features numbers: one linear layer."""

    def __init__(self, in_features: int = 784, num_classes: int = 10) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.fc(self.flatten(x))
        return scores


class MLP(nn.Sequential):
    """Scores (N, num_classes) of images (N, ...) of in_features numbers: linear layers, each but
    the last with a relu and dropout.

    >>> import minigrad as mg
    >>> from minigrad.vision.models import MLP
    >>> MLP(784, (100,), 10)(mg.zeros(5, 1, 28, 28)).shape
    minigrad.Size([5, 10])
    """

    def __init__(
        self,
        in_features: int = 784,
        hidden: Sequence[int] = (100,),
        num_classes: int = 10,
        dropout: float = 0.0,
    ) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        for width in hidden:
            layers += [nn.Linear(in_features, width), nn.ReLU(), nn.Dropout(dropout)]
            in_features = width
        super().__init__(*layers, nn.Linear(in_features, num_classes))
