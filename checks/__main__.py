"""Print what is wrong with the repository that this is in: scripts/check-integration."""

from pathlib import Path
import sys

from . import problems

found = problems(Path(__file__).parent.parent)
sys.exit("\n".join(found) if found else None)
