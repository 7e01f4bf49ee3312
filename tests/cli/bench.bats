#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What the benchmark makes of what the lab tells it, without a lab.
# shellcheck disable=SC2154  # the Makefile sets the variables

@test "the benchmark's figures, results and runs" {
    cd "$DOMM_SOURCE"
    PYTHONPATH=tests/lab python3 -B -m unittest discover -s tests/lab/bench
}
