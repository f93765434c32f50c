"""SummaryWriter: that of the package tensorboardX, which takes tensors here."""

from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.core.unsupported import refuse
from minigrad.tensor import Tensor

try:
    import tensorboardX
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "SummaryWriter needs the package tensorboardX: pip install 'minigrad[tensorboard]'",
        name="tensorboardX",
    ) from error


def _plain(value: Any) -> Any:
    """The value with a NumPy array for every tensor in it."""
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value


def _with_tensors(name: str) -> Callable[..., Any]:
    """tensorboardX's method of that name, which takes tensors."""
    method = getattr(tensorboardX.SummaryWriter, name)

    def call(self: Any, *args: Any, **options: Any) -> Any:
        return method(self, *map(_plain, args), **{k: _plain(v) for k, v in options.items()})

    call.__name__, call.__doc__ = name, method.__doc__
    return call


class SummaryWriter(tensorboardX.SummaryWriter):  # type: ignore[misc]
    """A writer of events into `log_dir`, by default runs/DATE_HOSTcomment.

    The methods are those of tensorboardX (`add_scalar`, `add_histogram`, `add_image` ...), which
    are torch's.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        super().__init__(
            log_dir and str(log_dir), comment, purge_step, max_queue, flush_secs, filename_suffix
        )

    @property
    def log_dir(self) -> str:
        """The folder of the files."""
        return str(self.logdir)

    add_scalar = _with_tensors("add_scalar")
    add_scalars = _with_tensors("add_scalars")
    add_histogram = _with_tensors("add_histogram")
    add_histogram_raw = _with_tensors("add_histogram_raw")
    add_image = _with_tensors("add_image")
    add_images = _with_tensors("add_images")
    add_image_with_boxes = _with_tensors("add_image_with_boxes")
    add_video = _with_tensors("add_video")
    add_audio = _with_tensors("add_audio")
    add_embedding = _with_tensors("add_embedding")
    add_pr_curve = _with_tensors("add_pr_curve")
    add_mesh = _with_tensors("add_mesh")

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Write hyper-parameters and the metrics reached with them, in a folder of their own.

        Raises NotImplementedError for hparam_domain_discrete, which tensorboardX does not write.
        """
        if hparam_domain_discrete:
            refuse("add_hparams", "tensorboardX writes no domains of hyper-parameters")
        super().add_hparams(_plain(hparam_dict), _plain(metric_dict), run_name, global_step)

    def add_graph(self, *_: Any, **__: Any) -> NoReturn:
        """Raise NotImplementedError: tensorboardX reads graphs of torch only."""
        refuse("add_graph", "tensorboardX reads torch's graphs only; draw one with utils.graph")
