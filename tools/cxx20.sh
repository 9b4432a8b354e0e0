#!/bin/sh
# A C++ compiler that compiles as C++20 what asks for an older standard: the headers of torch 2.14 and later want
# C++20, while the build of mmcv-full 1.7.2 passes -std=c++14 or -std=c++17. Used as CXX by setup_environment.py;
# the compiler itself is named by CXX20_COMPILER (default: c++).
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
# Not quoted: a compiler may come with a word before it, such as "ccache g++".
# shellcheck disable=SC2086
exec ${CXX20_COMPILER:-c++} "$@"
