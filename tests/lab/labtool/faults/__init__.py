# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration with one fault at any of its steps, and what is left. See DEVELOPERS.md, Faults."""
