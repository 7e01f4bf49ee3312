# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real Xen hosts and a file server, emulated on one Debian machine."""
