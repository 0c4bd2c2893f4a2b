#!/bin/sh
# Builds the native libraries (that of the physics where MuJoCo is found) and their tests with AddressSanitizer and UndefinedBehaviorSanitizer and
# runs them.
# Usage: native/check.sh [BUILD-DIRECTORY], by default artifacts/native/sanitized.
set -eu
# Programs are those of PATH's absolute entries, never what lies in the current directory.
absolute=; set -f; IFS=:; for entry in $PATH; do case $entry in /*) absolute=$absolute${absolute:+:}$entry ;; esac; done; unset IFS; set +f; PATH=$absolute
source=$(cd "$(dirname "$0")" && pwd)
build=${1:-$source/../artifacts/native/sanitized}
generator=
command -v ninja >/dev/null 2>&1 && generator=-GNinja
cmake -S "$source" -B "$build" ${generator:+"$generator"} \
    -DCMAKE_BUILD_TYPE=Release -DHIPIFAST_STRICT=ON -DHIPIFAST_SANITIZE=address,undefined >/dev/null
cmake --build "$build" --parallel 2
UBSAN_OPTIONS=print_stacktrace=1 "$build/hipifast_tests"
if [ -x "$build/hipifast_mujoco_tests" ]; then
    UBSAN_OPTIONS=print_stacktrace=1 "$build/hipifast_mujoco_tests" --no-fatal-error
    # What MuJoCo keeps when it jumps out of an error is not ours to free.
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 "$build/hipifast_mujoco_tests"
fi
