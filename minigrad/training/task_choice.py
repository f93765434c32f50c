"""From settings to a task."""

from collections.abc import Mapping
from typing import Any

from minigrad.training.data.images import folder_images, named_images
from minigrad.training.data.tables import table
from minigrad.training.settings import Settings
from minigrad.training.tasks.classification import Classification
from minigrad.training.tasks.language import Language
from minigrad.training.tasks.regression import Regression
from minigrad.training.tasks.task import Task


def make_task(kind: str, settings: Settings, described: Mapping[str, Any] | None = None) -> Task:
    """The task of a kind of data, prepared as an earlier run has `described`.

    Raises SettingsError if the data are missing, damaged, or not to be learned from.
    """
    if kind == "text":
        return Language(settings)
    prepared = None if described is None else described["preprocessing"]
    if kind == "images":
        return Classification(settings, named_images(settings))
    if kind == "folder":
        return Classification(settings, folder_images(settings, prepared))
    source = table(settings, prepared)
    return Classification(settings, source) if source.classes else Regression(settings, source)
