# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a monitored pair stands still when it is migrated, beside xl. See DEVELOPERS.md, Benchmarks."""
