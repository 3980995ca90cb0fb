"""Everything around a rule, written once: see :class:`Rule`."""

from .rule import Rule

__all__ = ["Rule"]
