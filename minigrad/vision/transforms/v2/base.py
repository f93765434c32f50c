"""The base class of users' transforms, under the names of torchvision.transforms.v2."""

from typing import Any

from minigrad.utils._pytree import tree_flatten, tree_unflatten
from minigrad.vision.transforms.base import ImageTransform, image_positions
from minigrad.vision.transforms.compose import Transform as Function


class Transform(ImageTransform):
    """The base of transforms of samples: `make_params` draws, `transform` applies.

    `make_params` gets the images of a sample in a list, `transform` one of them at a time with the
    parameters.  Which images there are says `ImageTransform`.
    """

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raise an error for a sample, as a flat list, that the transform is not for."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The parameters for the images of a sample."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """An image transformed by the parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it transforms an image")

    def forward(self, *inputs: Any) -> Any:
        leaves, structure = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        self.check_inputs(leaves)
        positions = image_positions(leaves)
        params = self.make_params([leaves[position] for position in positions])
        for position in positions:
            leaves[position] = self.transform(leaves[position], params)
        return tree_unflatten(leaves, structure)


class Identity(ImageTransform):
    """Changes nothing."""

    def forward(self, *inputs: Any) -> Any:
        return inputs if len(inputs) > 1 else inputs[0]


class Lambda(ImageTransform):
    """Applies a user's function to the parts of a sample of the given types, or to all parts."""

    def __init__(self, lambd: Function, *types: type) -> None:
        super().__init__()
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd
        self.types = types or (object,)

    def forward(self, *inputs: Any) -> Any:
        leaves, structure = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        changed = [self.lambd(x) if isinstance(x, self.types) else x for x in leaves]
        return tree_unflatten(changed, structure)

    def extra_repr(self) -> str:
        names = [getattr(self.lambd, "__name__", "")]
        if self.types != (object,):
            names.append(f"types={[kind.__name__ for kind in self.types]}")
        return ", ".join(name for name in names if name)
