"""Where dockscope keeps its files: settings, logs, and the token files of running producers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from .access import announcement_dir

APPLICATION = "dockscope"


@dataclass(frozen=True)
class Paths:
    """The folders of one running dockscope; none of them is made before something is written.

    Args:
        config: settings and layouts. state: logs and what a crash left.
    """

    config: Path
    state: Path

    @classmethod
    def of_user(cls) -> Paths:
        """Use the folders of the operating system's conventions."""
        return cls(
            config=platformdirs.user_config_path(APPLICATION, appauthor=False),
            state=platformdirs.user_state_path(APPLICATION, appauthor=False),
        )

    @classmethod
    def below(cls, base: Path) -> Paths:
        """Keep everything below one folder, which leaves the user's own settings alone."""
        return cls(config=base, state=base / "state")

    @property
    def settings_file(self) -> Path:
        """Return the file of ``Settings``."""
        return self.config / "settings.json"


def runtime_dir() -> Path:
    """Return the folder of the token files: always the user's own, as producers do not know a viewer's options."""
    return announcement_dir()
