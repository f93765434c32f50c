"""Folders that machine code and source are kept in, and whether others can write to them.

What is read from there is executed, so a folder that another user can write to is not used.
"""

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

try:
    import grp
    import pwd
except ImportError:  # Windows, whose permissions are not looked at
    HAS_OWNERS = False
else:
    HAS_OWNERS = True

_STICKY, _GROUP_WRITES, _OTHERS_WRITE = 0o1000, 0o020, 0o002


@cache
def say_once(text: str) -> None:
    """Print a line on stderr, once in this process; above a progress bar if one is shown."""
    line = f"minigrad: {text}"
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if bars is not None and getattr(bars, "_instances", None):
        bars.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr, flush=True)


def others_can_write(status: os.stat_result) -> bool:
    """Return whether another user than this one and root can write to a file or folder."""
    if not HAS_OWNERS:
        return False
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & _OTHERS_WRITE:
        return True
    return bool(status.st_mode & _GROUP_WRITES) and not _is_own_group(status.st_gid)


@cache
def _is_own_group(gid: int) -> bool:
    """Return whether nobody but this user is in the group: each user has one on many systems."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_name == group.gr_name and set(group.gr_mem) <= {user.pw_name}


def private_folder(root: Path, *parts: str) -> Path:
    """Return the folder `root/parts`, made for this user alone if it does not exist.

    Where others can write to it, to `root` or to a folder between, one line on stderr says so, and
    it is a temporary folder instead, which goes when this process ends.
    """
    folder = root.joinpath(*parts)
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:  # what is missing is not read, and whoever writes says why that fails
        return folder
    between = [folder, *folder.parents[: len(parts)]]
    for place in between:
        status = os.stat(place)
        # In a sticky folder, as /tmp is, nobody can replace what another has made.
        is_safe_parent = place != folder and status.st_mode & _STICKY
        if others_can_write(status) and not is_safe_parent:
            say_once(
                f"others can write to {place}, so the code kept there is not trusted; a temporary "
                f"folder is used, and what is compiled is lost at exit (chmod go-w {place})"
            )
            instead = temporary_folder().joinpath(*parts)
            instead.mkdir(parents=True, exist_ok=True)
            return instead
    return folder


@cache
def temporary_folder() -> Path:
    """Return a folder of this process and its forks, which goes when it ends."""
    folder = tempfile.mkdtemp(prefix="minigrad-")
    atexit.register(_remove, folder, os.getpid())
    return Path(folder)


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # not a fork, which leaves the folder to its parent
        shutil.rmtree(folder, ignore_errors=True)
