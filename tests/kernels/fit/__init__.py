"""Tests of kernels/fit."""
