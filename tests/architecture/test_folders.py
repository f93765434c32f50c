"""Every folder says what belongs in it, and the list of all in the documentation is today's."""

import pytest

from tests.support import folders
from tests.support.house import PROJECT


def test_the_documentation_lists_the_folders_of_today():
    written = folders.SECTION.read(PROJECT / "docs" / "architecture.md")
    assert written == folders.table(), "run: python -m tests.support.folders docs/architecture.md"


def test_every_folder_has_a_purpose_of_its_own():
    purposes = folders.folders()
    assert len(set(purposes.values())) == len(purposes)


def test_a_folder_without_a_purpose_is_refused(tmp_path):
    with pytest.raises(ValueError, match="says what belongs"):
        folders.purpose(tmp_path)
    (tmp_path / "__init__.py").write_text('"""Two\nlines.  A second sentence.\n\nMore."""\n')
    assert folders.purpose(tmp_path) == "Two lines."
