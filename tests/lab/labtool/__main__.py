# SPDX-License-Identifier: GPL-3.0-or-later
from .cli import main

main()
