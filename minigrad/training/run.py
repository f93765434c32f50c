"""A run of `minigrad train`, from its settings to its results."""

import dataclasses
import json
import platform
import shutil
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.core.files import write_atomically
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.training.checkpoint_file import CheckpointVersionError, DamagedCheckpointError
from minigrad.training.checkpoints import CheckpointManager
from minigrad.training.choices import complete
from minigrad.training.event_log import EventLog
from minigrad.training.interruption import Interruption
from minigrad.training.lr_finder import find_rate
from minigrad.training.output import Output
from minigrad.training.plots import plotting_available
from minigrad.training.report.page import report_page
from minigrad.training.run_folder import RunFolder, Writers, valid_json
from minigrad.training.settings import Settings, SettingsError, read_toml, to_toml
from minigrad.training.task_choice import make_task
from minigrad.training.tasks.task import Evaluation
from minigrad.training.team import Team, team_of
from minigrad.training.trained import RUN
from minigrad.training.trainer import Diverged, Interrupted, Trainer
from minigrad.version import minigrad as version

FAILED, DIVERGED = 1, 3


class Request(NamedTuple):
    """What the user has asked for: settings that were given, and how to begin.

    resume: "yes", "auto" or None.
    """

    given: Mapping[str, Any]
    resume: str | None = None
    overwrite: bool = False
    find_lr: bool = False


def train(request: Request) -> int:
    """Train, and return the exit status.

    It is 0, 1 if the results could not be written where they should be, 3 after a divergence, and
    that of a process which a signal has ended.  Raises SettingsError for what cannot be.
    """
    out = request.given.get("out")
    folder = None if out is None else RunFolder(out)
    if folder is None and (request.resume or request.overwrite):
        raise SettingsError("--resume and --overwrite go with --out DIR")
    with ExitStack() as held:
        team = held.enter_context(team_of(request.given.get("distributed", False)))
        if folder is not None and not request.find_lr and team.leads:
            held.enter_context(folder.taken())
        settings, state = team.told(lambda: _beginning(request, folder))
        if settings.distributed:  # as the run did that goes on
            team = held.enter_context(team_of(True))
        status = _run(request, settings, folder, state, team)
        return team.told(lambda: status)  # so nobody ends before the leader has written


def _refuse_existing(folder: RunFolder) -> None:
    if folder.has_run():
        raise SettingsError(
            f"--out {folder.path} has a run already: --resume goes on with it, --overwrite starts "
            "over and replaces it"
        )


def _beginning(
    request: Request, folder: RunFolder | None
) -> tuple[Settings, dict[str, Any] | None]:
    """The settings, and the checkpoint from which the run goes on, if it does."""
    if folder is not None and request.resume is None and not request.overwrite:
        _refuse_existing(folder)
    state = None
    saved: dict[str, Any] = {}
    if folder is not None and request.resume is not None:
        if folder.has_run():
            state, saved = _saved(folder)
        elif request.resume != "auto":
            raise SettingsError(
                f"--resume: {folder.path} has no run to go on with; --resume auto begins one"
            )
    settings = Settings(**{**saved, **request.given})
    if state is not None:
        before = Settings(**state["settings"])
        for name in ("lr",):  # the optimizer's own stands in a checkpoint as a number
            if name not in request.given:
                setattr(settings, name, getattr(before, name))
        if different := settings.differences(before):
            raise SettingsError(
                f"--resume: these settings of the run in {folder.path if folder else ''} cannot "
                f"change: {'; '.join(different)}"
            )
    return settings, state


def _saved(folder: RunFolder) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The latest checkpoint that is whole, and the settings of the run."""
    manager = folder.manager()
    if manager.latest_step() is not None:
        try:
            state = _latest(manager)
            return state, _known_settings(state["settings"])
        except CheckpointVersionError as error:
            raise SettingsError(
                f"--resume: {error}; go on with that version, or start over with --overwrite"
            ) from error
        except DamagedCheckpointError as error:
            raise SettingsError(f"--resume: no checkpoint is whole: {error}") from error
        except (KeyError, TypeError) as error:
            raise SettingsError(
                f"--resume: the checkpoints in {manager.directory} are of another program"
            ) from error
    if folder.config.exists() and not (folder.path / "weights.safetensors").exists():
        return None, read_toml(folder.config)  # it was killed before its first checkpoint
    raise SettingsError(
        f"--resume: {folder.path} has results, but no checkpoint to go on from; --overwrite starts "
        "over"
    )


def _latest(manager: CheckpointManager) -> dict[str, Any]:
    """The latest checkpoint that is whole; which ones are damaged is said without a place in code.

    Raises as `CheckpointManager.restore` does.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return manager.restore()
        finally:
            for warning in caught:
                Output().warn(str(warning.message))


def _known_settings(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a checkpoint, which another version may have written."""
    known = {field.name for field in dataclasses.fields(Settings)}
    if unknown := saved.keys() - known:
        raise SettingsError(
            f"--resume: the run has settings that minigrad {version} does not know: "
            f"{', '.join(sorted(unknown))}; go on with the version that began it"
        )
    return dict(saved)


def _run(
    request: Request,
    settings: Settings,
    folder: RunFolder | None,
    state: dict[str, Any] | None,
    team: Team,
) -> int:
    output = Output(settings.quiet, mute=not team.leads)
    if not team.leads:
        folder, settings.log = None, None
    with Interruption(agreed=team.size > 1) as interruption:
        with team.in_turn():
            if request.find_lr and settings.distributed:
                raise SettingsError("--find-lr looks in one process: leave --distributed out")
            kind = complete(settings)
            _set_threads(settings)
            task = make_task(kind, settings, None if state is None else state["description"])
        manager = None if folder is None or request.find_lr else folder.manager()
        trainer = Trainer(task, output, manager, interruption, team)
        if request.find_lr:
            return find_rate(trainer, output)
        if state is not None:
            _restore(trainer, state)
        elif folder is not None:
            _begin_folder(folder, settings)
        output.say(introduction(trainer))
        if state is not None:
            output.say(f"going on after step {trainer.progress.step}")
        log = EventLog(settings, trainer.progress)
        try:
            return _train_and_write(trainer, folder, log)
        finally:
            log.close()


def _set_threads(settings: Settings) -> None:
    if settings.threads is not None:
        try:
            set_num_threads(settings.threads)
        except ValueError as error:
            raise SettingsError(str(error)) from error


def _restore(trainer: Trainer, state: dict[str, Any]) -> None:
    now = trainer.task.model_choice
    if state["model_choice"]["sha256"] != now.sha256:
        raise SettingsError(
            f"--resume: {now.file} has changed since the run began: --overwrite starts over"
        )
    try:
        trainer.restore(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SettingsError(f"--resume: the checkpoint does not fit this run: {error}") from error


def _begin_folder(folder: RunFolder, settings: Settings) -> None:
    folder.discard_checkpoints()
    text = to_toml(settings)
    try:
        write_atomically(folder.config, lambda path: path.write_text(text), durable=True)
    except OSError as error:
        raise SettingsError(f"--out {folder.path} cannot be written: {error.strerror}") from error


def introduction(trainer: Trainer) -> str:
    """A line about the model, the data and the settings."""
    given, task = trainer.settings, trainer.task
    parameters = sum(p.numel() for p in trainer.model.parameters())
    return (
        f"{given.model} with {parameters:,} parameters on {given.data}: {task.amounts()}, "
        f"{given.optimizer} lr {given.lr}, batch {given.batch_size}, seed {given.seed}, "
        f"{get_num_threads()} threads"
        + (f" on each of {trainer.team.size} processes" if trainer.team.size > 1 else "")
    )


def _train_and_write(trainer: Trainer, folder: RunFolder | None, log: EventLog) -> int:
    output, interruption = trainer.output, trainer.interruption
    interrupted = False
    try:
        for epoch in trainer.epochs():
            output.say(trainer.task.line(epoch))
            log.write(epoch)
    except Diverged as error:
        return _end_diverged(trainer, str(error))
    except Interrupted:
        interrupted = True
        if interruption.name != "SIGINT":
            return _end_early(trainer)
        output.warn("interrupted; evaluating what was reached")
    finally:
        _finish_checkpoints(trainer)
    evaluation = trainer.evaluation
    if interrupted or evaluation is None:
        evaluation = trainer.evaluate()
    if not interrupted and trainer.best is not None:
        trainer.take_best()
        evaluation = trainer.evaluation
    assert evaluation is not None
    for line in trainer.task.details(evaluation):
        output.say(line)
    output.result(trainer.task.result(evaluation))
    status = 0 if folder is None else _write(trainer, folder, evaluation, interrupted)
    return interruption.status if interrupted else status


def _finish_checkpoints(trainer: Trainer) -> None:
    if trainer.manager is None:
        return
    try:
        trainer.manager.close()
    except OSError as error:
        trainer.output.warn(
            f"the last checkpoint could not be written to {trainer.manager.directory}: "
            f"{error.strerror or error}"
        )


def _end_early(trainer: Trainer) -> int:
    name, step = trainer.interruption.name, trainer.progress.step
    where = "" if trainer.manager is None else f"; --resume goes on after step {step}"
    trainer.output.warn(f"{name}: ended{where}")
    return trainer.interruption.status


def _end_diverged(trainer: Trainer, reason: str) -> int:
    kept = ""
    if trainer.manager is not None:
        _finish_checkpoints(trainer)
        step = trainer.manager.latest_step()
        kept = "" if step is None else f"; the checkpoint of step {step} is kept"
    trainer.output.warn(
        f"diverged: {reason}{kept}. A smaller --lr or --clip may help, or --on-nonfinite skip"
    )
    return DIVERGED


def _write(trainer: Trainer, folder: RunFolder, evaluation: Evaluation, interrupted: bool) -> int:
    writers = results(trainer, evaluation, interrupted)
    place = folder.write_results(writers, trainer.output)
    if place is None:
        return FAILED
    if "report.png" not in writers:
        trainer.output.say("for a picture as well: pip install 'minigrad[plot]'")
    trainer.output.say(" ".join(["written:", *(str(place / name) for name in writers)]))
    return 0 if place == folder.path else FAILED


def results(trainer: Trainer, evaluation: Evaluation, interrupted: bool) -> Writers:
    """The files of results, by name, each with what writes it."""
    task, settings, progress = trainer.task, trainer.settings, trainer.progress
    changed = {
        f.name: getattr(settings, f.name)
        for f in dataclasses.fields(settings)
        if f.name in task.settings_shown or getattr(settings, f.name) != f.default
    }
    record = {
        "settings": {name: getattr(settings, name) for name in task.settings_shown} | changed,
        "threads": get_num_threads(),
        "processes": trainer.team.size,
        "machine": platform.machine(),
        "minigrad": version,
        "interrupted": interrupted,
        "task": task.description()["task"],
        "skipped_steps": progress.skipped,
        "epochs": progress.epochs,
        **task.record(evaluation),
    }
    text = valid_json(record)
    title = Path(settings.out or "run").name
    choice = task.model_choice
    writers: dict[str, Any] = {
        "weights.safetensors": lambda p: task.save_weights(p, trainer.evaluated, header(trainer)),
        "history.json": lambda p: p.write_text(text),
        "report.html": lambda p: _unless_it_fails(
            lambda: p.write_text(report_page([(title, json.loads(text))]), encoding="utf-8"),
            "report.html",
            trainer.output,
        ),
    }
    if choice.file is not None:
        source = Path(choice.file)
        writers["model.py"] = lambda p: shutil.copyfile(source, p)
    if plotting_available() and progress.epochs:
        writers["report.png"] = lambda p: _unless_it_fails(
            lambda: task.draw(p, progress.epochs, evaluation), "report.png", trainer.output
        )
    return writers


def _unless_it_fails(write: Callable[[], object], name: str, output: Output) -> None:
    """Write a report, which is no reason to lose weights: what is wrong with it is said."""
    try:
        write()
    except OSError:
        raise
    except Exception as error:
        output.warn(f"{name} is left out: {type(error).__name__}: {error}")


def header(trainer: Trainer) -> dict[str, str]:
    """The metadata of weights: all that using them needs."""
    settings, task = trainer.settings, trainer.task
    described = {
        "format": 1,
        "minigrad": version,
        "model": task.model_choice._asdict(),
        **task.description(),
    }
    return {
        "model": str(settings.model),
        "data": Path(settings.data).name,
        RUN: json.dumps(described, allow_nan=False),
    }
