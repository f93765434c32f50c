"""The methods of a module that save and load its state."""

import warnings
from collections.abc import Mapping
from typing import Any

from minigrad.nn.hooks import Hooks
from minigrad.nn.parameter import is_lazy
from minigrad.nn.state_dict import (
    EXTRA,
    IncompatibleKeys,
    StateDict,
    collect,
    load,
    load_members,
    persistent_tensors,
)


class StateMethods:
    """Saves and loads a module's state; subclasses override the methods for one module's part."""

    _version = 1
    """The version of a class's state, which a later class may ask for when it loads."""

    _hooks: Hooks | None

    def state_dict(
        self,
        *args: Any,
        destination: StateDict | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> StateDict:
        """Parameters and persistent buffers by path: detached tensors that share their memory.

        keep_vars=True: the parameters and buffers themselves.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead: "
                "state_dict(destination=, prefix=, keep_vars=).",
                FutureWarning,
                stacklevel=2,
            )
            named = (destination, prefix, keep_vars)[len(args) :]
            destination, prefix, keep_vars = args + named
        return collect(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy a state into parameters and buffers, or with assign=True put its tensors in place.

        Returns the missing and the unexpected keys.  Raises RuntimeError with all keys that
        are missing or unexpected (if strict) and all shapes that do not match.
        PyTorch differs: it loads what fits before it raises; here nothing changes.
        """
        return load(self, state_dict, strict, assign)

    # --- one module's part -----------------------------------------------------------------------

    def _save_to_state_dict(self, destination: StateDict, prefix: str, keep_vars: bool) -> None:
        """Put this module's own tensors and its extra state into `destination`."""
        for name, tensor in persistent_tensors(self).items():  # type: ignore[arg-type]
            is_kept = keep_vars or is_lazy(tensor)
            destination[prefix + name] = tensor if is_kept else tensor.detach()
        if type(self).get_extra_state is not StateMethods.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _load_from_state_dict(
        self,
        state_dict: StateDict,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own tensors and its extra state from `state_dict`.

        `local_metadata` has the "version" of the class that has saved them, if it is known.  The
        lists are added to.  An override may rename keys before it calls this method, and remove
        entries of the lists after it.
        """
        for hook in list(self._hooks.load_pre.values()) if self._hooks else ():
            hook.call(
                *((self,) if hook.with_module else ()), state_dict, prefix, local_metadata, strict,
                missing_keys, unexpected_keys, error_msgs,
            )  # fmt: skip
        self._upgrade_state(state_dict, prefix, local_metadata.get("version"))
        load_members(
            self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
            error_msgs,
        )  # fmt: skip

    _default_load_from_state_dict = _load_from_state_dict

    def _upgrade_state(self, state_dict: StateDict, prefix: str, version: int | None) -> None:
        """Bring a state that an older version of the class has saved to the present form."""

    def get_extra_state(self) -> Any:
        """What `state_dict` saves beside tensors; a class that has it overrides this method."""
        raise RuntimeError(f"{type(self).__name__} does not define get_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Take back the result of `get_extra_state`; a class that has it overrides this method."""
        raise RuntimeError(f"{type(self).__name__} does not define set_extra_state()")

    def _takes_extra_state(self) -> bool:
        return type(self).set_extra_state is not StateMethods.set_extra_state
