"""Small convolutional networks."""

from minigrad import nn
from minigrad.nn import functional as F
from minigrad.tensor import Tensor


class LectureCNN(nn.Module):
    """Log-probabilities (N, num_classes) of images (N, in_channels, image_size, image_size).

    conv 3x3 to 32 channels, conv 3x3 to 64, max-pool 2, linear to 128, linear to the classes, with
    a relu after each but the last; `dropout` stands before the last.  For 28x28 images the first
    linear layer reads 9 216 numbers.  Raises ValueError for images too small.

    >>> import minigrad as mg
    >>> from minigrad.vision.models import LectureCNN
    >>> LectureCNN()(mg.zeros(2, 1, 28, 28)).shape
    minigrad.Size([2, 10])
    """

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 28,
        num_classes: int = 10,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        side = (image_size - 4) // 2
        if side < 1:
            raise ValueError(f"LectureCNN needs images of 6x6 or more, got image_size={image_size}")
        self.conv1 = nn.Conv2d(in_channels, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(64 * side * side, 128)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(128, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = self.pool(F.relu(self.conv2(x)))
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.log_softmax(self.fc2(self.dropout(x)), dim=1)
        return x


class DigitsCNN(nn.Sequential):
    """Scores (N, num_classes) of images (N, in_channels, image_size, image_size), 8x8 by default.

    Two 3x3 convolutions that keep the size, each with batch normalisation and a relu, max-pool 2,
    and one linear layer.
    """

    def __init__(self, in_channels: int = 1, image_size: int = 8, num_classes: int = 10) -> None:
        if image_size < 2:
            raise ValueError(f"DigitsCNN needs images of at least 2x2, got image_size={image_size}")
        side = image_size // 2
        super().__init__(
            nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * side * side, num_classes),
        )


class LeNet5(nn.Sequential):
    """Scores (N, num_classes) of images (N, in_channels, 32, 32), or 28x28 with padding=2.

    LeCun et al. 1998, Gradient-based learning applied to document recognition, in today's form:
    two 5x5 convolutions with tanh and mean-pooling, then linear layers of 120, 84 and num_classes.
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10, padding: int = 2) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 6, 5, padding=padding),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, num_classes),
        )
