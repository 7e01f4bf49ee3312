#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What the benchmark and the fault matrix make of what the lab tells them, without a lab.
# shellcheck disable=SC2154  # the Makefile sets the variables

@test "the benchmark's figures, results and runs" {
    cd "$DOMM_SOURCE"
    PYTHONPATH=tests/lab python3 -B -m unittest discover -s tests/lab/bench
}

@test "the fault matrix's cases, and what it sees of what they leave" {
    cd "$DOMM_SOURCE"
    PYTHONPATH=tests/lab python3 -B -m unittest discover -s tests/lab/faults
}
