"""What makes docs/tour.md: every number and every picture of it, by the code of the package itself."""

from __future__ import annotations
