#!/bin/sh
# A C++ compiler that replaces older standards by C++20. The headers of torch 2.14 and later require C++20, but the
# build of mmcv-full 1.7.2 passes -std=c++14 or -std=c++17. setup_environment.py uses this script as CXX.
# CXX20_COMPILER names the compiler itself (default: c++).
set -eu
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    case $argument in
        -std=c++11 | -std=c++14 | -std=c++17) argument=-std=c++20 ;;
        -std=gnu++11 | -std=gnu++14 | -std=gnu++17) argument=-std=gnu++20 ;;
    esac
    set -- "$@" "$argument"
    count=$((count - 1))
done
# The compiler is not quoted, because a word may precede it, as in "ccache g++".
# shellcheck disable=SC2086
exec ${CXX20_COMPILER:-c++} "$@"
