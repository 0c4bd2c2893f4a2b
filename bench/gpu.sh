#!/bin/sh
# Measures an NVIDIA GPU.
#
#   bench/gpu.sh pack DIR    on a machine with the .NET SDK: makes one folder with the program, the .NET runtime and all that is needed beside them
#                            (and DIR.tar.zst or DIR.tar.gz), to be copied to a Linux machine of the same kind with a GPU; no SDK is needed there
#   ./gpu.sh [--quick]       in that folder, or bench/gpu.sh where the program is built: conformance with the managed engine through both backends,
#                            compute-sanitizer and ptxas where CUDA is installed, PyTorch where python3 has it, then the times of every kernel.
#                            The torch learner is measured where the program was built with libtorch for CUDA (TorchDevice=cuda, docs/torch.md).
#                            Writes results/DEVICE.json and DEVICE.md (bench/results here). Without a GPU: a dry run on ILGPU's CPU accelerator.
#
# Exit code: 0 when all that could run went well.
set -u
# Programs are those of PATH's absolute entries, never what lies in the current directory.
absolute=; set -f; IFS=:; for entry in $PATH; do case $entry in /*) absolute=$absolute${absolute:+:}$entry ;; esac; done; unset IFS; set +f; PATH=$absolute
here=$(cd "$(dirname "$0")" && pwd)

say() { printf '%s\n' "gpu.sh: $*"; }
die() { printf '%s\n' "gpu.sh: $*" >&2; exit 1; }

# The plug-ins of the program in the repository $1, which load where they are built: both backends, and the learner for the device in TorchDevice.
build_plugins() {
    for project in kernels/HipiFast.Kernels.Cuda kernels/HipiFast.Kernels.Ilgpu src/HipiFast.TorchSharp; do
        built=$(dotnet build "$1/$project" -c Release -v quiet --nologo -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false 2>&1) \
            || { printf '%s\n' "$built" >&2; die "$project does not build."; }
    done
}

has_cuda_torch() { [ -n "$(find "$1" -name 'libtorch_cuda*' -print -quit)" ]; }

# The program that runs the PTX files of the folder $1, one for each operation: $2.
build_opcodes() { command -v cc >/dev/null 2>&1 && cc -O1 -o "$2" "$1/run_opcodes.c" -ldl -lm >/dev/null 2>&1; }

# --- pack ------------------------------------------------------------------------------------------------------------------------------------------

pack() {
    folder=$1
    root=$(dirname "$here")
    [ -e "$folder" ] && die "'$folder' exists; give the name of a new folder."
    "$root/hipifast" info >/dev/null || die "the program does not build."
    build_plugins "$root"
    built="$root/src/HipiFast.Cli/bin/Release/net10.0"
    # "Microsoft.NETCore.App 10.0.1 [/usr/share/dotnet/shared/Microsoft.NETCore.App]", the newest last; 'dotnet' itself may be a script elsewhere.
    newest=$(dotnet --list-runtimes | grep '^Microsoft.NETCore.App 10\.' | tail -n 1)
    [ -n "$newest" ] || die "no .NET 10 runtime was found by 'dotnet --list-runtimes'."
    runtime=$(printf '%s' "$newest" | cut -d ' ' -f 2)
    dotnet_root=$(printf '%s' "$newest" | sed 's|.*\[\(.*\)/shared/.*|\1|')
    [ -x "$dotnet_root/dotnet" ] || die "'$dotnet_root' holds no 'dotnet'."
    mkdir -p "$folder/runtime/host/fxr" "$folder/runtime/shared/Microsoft.NETCore.App" "$folder/ptx" || die "'$folder' cannot be made."
    cp "$dotnet_root/dotnet" "$folder/runtime/dotnet" \
        && cp -R "$dotnet_root/host/fxr/$runtime" "$folder/runtime/host/fxr/" \
        && cp -R "$dotnet_root/shared/Microsoft.NETCore.App/$runtime" "$folder/runtime/shared/Microsoft.NETCore.App/" \
        && cp -R "$built" "$folder/program" \
        && cp -R "$root/artifacts/plugins/Release" "$folder/program/plugins" \
        && cp "$root"/bench/peers/relabel_torch.py "$here/gpu.sh" "$folder/" \
        && cp -R "$root/tests/HipiFast.Kernels.Cuda.Tests/Opcodes" "$folder/opcodes" \
        && mkdir "$folder/peers" \
        && cp "$root"/bench/peers/compare.py "$root"/bench/peers/sac_torch.py "$root"/bench/peers/sac_rltools.py "$folder/peers/" \
        || die "copying to '$folder' failed."
    # For a machine without a compiler; one that has one builds it anew.
    build_opcodes "$folder/opcodes" "$folder/opcodes/run_opcodes" || say "no C compiler was found here; the machine with the GPU needs one to run the opcodes."
    # Native libraries of other systems.
    find "$folder/program" -path '*/runtimes/*' -prune -type d ! -name 'linux*' ! -name unix -exec rm -rf {} +
    if ! has_cuda_torch "$folder/program"; then
        # Half a gigabyte that computes on the processor only.
        rm -rf "$folder"/program/plugins/HipiFast.TorchSharp
        say "the program has no libtorch for CUDA, so the folder holds none and the torch learner will not be measured" \
            "(TorchDevice=cuda before packing; docs/torch.md)."
    fi
    cp "$root"/kernels/HipiFast.Kernels.Cuda/obj/Release/Ptx/*.ptx "$root"/kernels/HipiFast.Kernels.Cuda/sass.txt "$folder/ptx/" \
        || die "the PTX for ptxas was not found."
    parent=$(dirname "$folder") name=$(basename "$folder")
    if command -v zstd >/dev/null 2>&1; then
        archive="$folder.tar.zst"
        tar -C "$parent" -cf - "$name" | zstd -q -f -T0 -10 -o "$archive" || die "compressing to '$archive' failed."
    else
        archive="$folder.tar.gz"
        tar -C "$parent" -czf "$archive" "$name" || die "compressing to '$archive' failed."
    fi
    say "packed $(du -sh "$folder" | cut -f 1) in '$folder' ($(du -h "$archive" | cut -f 1) in '$archive'); on the machine with the GPU: $name/gpu.sh"
}

# --- run -------------------------------------------------------------------------------------------------------------------------------------------

hipifast() { "$dotnet" "$program" "$@"; }

# One line of "NAME: ok" or what went wrong; counts failures.
step() {
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        say "$name: ok"
    else
        failures=$((failures + 1))
        say "$name: FAILED"
        tail -n 20 "$log"
    fi
}

sanitize() {
    step "compute-sanitizer $1, $2" compute-sanitizer --tool "$1" --error-exitcode 99 "$dotnet" "$program" bench gpu --backend "$2" \
        --device cuda:0 --check --quick
}

# peers WAY PRECISION HIDDEN SIZES SECONDS: the times of PyTorch, each line with the way and the precision before it.
peers() {
    type=float32 flag=
    [ "$2" = bf16 ] && type=bfloat16
    [ "$1" = compiled ] && flag=--compile
    for hidden in $3; do
        say "PyTorch, $1, $2, H = $hidden"
        python3 "$torch_script" --device cuda --dtype "$type" --hidden "$hidden" --sizes "$4" --seconds "$5" $flag 2>>"$log" \
            | sed "1d;s/^/$1,$2,/" >>"$times"
    done
}

# SAC updates of the torch learner on the GPU, its batches and weights in place, against PyTorch eager in the same run; what a step goes into.
torch_learner() {
    if ! has_cuda_torch "$plugins"; then
        say "the program has no libtorch for CUDA, so the torch learner was not measured."
    elif [ -z "$1" ]; then
        say "python3 has no torch that sees the GPU: the torch learner without its peer"
        hipifast bench learner --learner torch --torch-device cuda --backend cuda || failures=$((failures + 1))
    elif HIPIFAST="'$dotnet' '$program'" python3 "$peers" --only torch --torch-device cuda --threads 1 \
            --json "$temporary/torch.json" >"$temporary/torch.md" 2>>"$log"; then
        cat "$temporary/torch.md"
    else
        failures=$((failures + 1))
        rm -f "$temporary/torch.md"
        say "the torch learner: FAILED"
        tail -n 20 "$log"
    fi
}

# The GPU's compute capability times ten.
gpu_capability() {
    found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
    printf '%s' "${found:-80}"
}

# A line for every kernel, as Markdown: what ptxas gives it, and how many groups a multiprocessor of 64 K registers then holds. The tensor kernels' W2
# lies in shared memory that they ask for at the launch: whole, or in slices where that does not fit. Writes to the file $1 what should not be:
# anything in local memory, warnings, errors.
ptxas_report() {
    capability=$(gpu_capability)
    case "$capability" in
        80) shared_kilobytes=164 warps=64 dynamic=131072 ;;
        87) shared_kilobytes=164 warps=48 dynamic=131072 ;;
        86 | 89 | 12?) shared_kilobytes=100 warps=48 dynamic=65536 ;;
        *) shared_kilobytes=228 warps=64 dynamic=131072 ;;
    esac
    printf '| kernel | registers | stack | spill stores | spill loads | shared, declared '
    printf '| shared, at launch (H = 256) | groups of 256 at once | occupancy |\n'
    printf '| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n'
    for file in "$ptx"/*.ptx; do
        name=$(basename "$file" .ptx)
        if ! ptxas -v -arch="sm_$capability" -o /dev/null "$file" >"$temporary/ptxas" 2>&1; then
            printf '| %s | ptxas failed: %s |\n' "$name" "$(grep -m 1 -E 'error|fatal' "$temporary/ptxas")"
            printf 'failed %s\n' "$name" >>"$1"
            continue
        fi
        launch=0
        case "$name" in soft-q-*-bf16*) launch=$dynamic ;; esac
        awk -v name="$name" -v launch="$launch" -v total=$((shared_kilobytes * 1024)) -v most="$warps" -v problems="$1" '
            function number(pattern,    text) {
                if (!match($0, pattern)) { return 0 }
                text = substr($0, RSTART, RLENGTH); sub(/ .*/, "", text); return text + 0
            }
            /bytes stack frame/ {
                stack += number("[0-9]+ bytes stack frame"); stores += number("[0-9]+ bytes spill stores")
                loads += number("[0-9]+ bytes spill loads")
            }
            match($0, /Used [0-9]+ registers/) { registers = substr($0, RSTART + 5, RLENGTH - 15) + 0; shared = number("[0-9]+ bytes smem") }
            /warning/ { print name ": " $0 >>problems }
            END {
                if (!registers) { print name ": ptxas told no registers" >>problems; registers = 255 }
                # Registers are given to a warp in units of 256, shared memory to a group in units of 128 bytes and one KiB beside.
                warps = int(65536 / (int((registers * 32 + 255) / 256) * 256)); if (warps > most) { warps = most }
                groups = int(warps / 8); taken = int((shared + launch + 127) / 128) * 128 + 1024
                if (groups > int(total / taken)) { groups = int(total / taken) }
                printf "| %s | %d | %d | %d | %d | %d | %d | %d | %d%% |\n", name, registers, stack, stores, loads, shared, launch, groups,
                    groups * 8 * 100 / most
                if (stack + stores + loads > 0) { print "spilled " name >>problems }
            }' "$temporary/ptxas"
    done
}

# What the kept table says of the loops of every kernel for this architecture, or for the newest older one.
loops_table() {
    table="$ptx/sass.txt"
    [ -f "$table" ] || table="$(dirname "$here")/kernels/HipiFast.Kernels.Cuda/sass.txt"
    architecture=sm_80
    for known in sm_86 sm_90; do
        [ "$(gpu_capability)" -ge "${known#sm_}" ] && architecture=$known
    done
    printf '\n## Instructions of every loop (%s, kept)\n\n```\n' "$architecture"
    grep -e '^#' -e " $architecture:" "$table"
    printf '```\n'
}

run() {
    quick=$1
    if [ -d "$here/program" ]; then
        program="$here/program/HipiFast.Cli.dll" dotnet="$here/runtime/dotnet" results="$here/results"
        plugins="$here/program/plugins" ptx="$here/ptx" torch_script="$here/relabel_torch.py"
        peers="$here/peers/compare.py" opcodes="$here/opcodes"
        export DOTNET_ROOT="$here/runtime"
    else
        root=$(dirname "$here")
        program="$root/src/HipiFast.Cli/bin/Release/net10.0/HipiFast.Cli.dll" dotnet=dotnet results="$here/results"
        plugins="$root/artifacts/plugins/Release"
        ptx="$root/kernels/HipiFast.Kernels.Cuda/obj/Release/Ptx" torch_script="$here/peers/relabel_torch.py"
        peers="$here/peers/compare.py" opcodes="$root/tests/HipiFast.Kernels.Cuda.Tests/Opcodes"
        "$root/hipifast" info >/dev/null || die "the program does not build."
        build_plugins "$root"
    fi
    temporary=$(mktemp -d) || die "no temporary folder can be made."
    trap 'rm -rf "$temporary"' EXIT
    log="$temporary/log" times="$temporary/times.csv" failures=0
    : >"$times"
    hipifast info || die "the program does not run here."
    printf '\n'
    if ! hipifast bench gpu --backend cuda --check --quick >"$log" 2>&1 && grep -q 'cannot run here' "$log"; then
        say "there is no NVIDIA GPU here ($(sed -n 's/.*cannot run here: //p' "$log" | sed 's/; cuda-bf16:.*//;s/\.$//;q'))," \
            "so this is a dry run on ILGPU's CPU accelerator: it shows that everything runs, not how fast."
        hipifast bench gpu --backend ilgpu --device cpu --quick --out "$temporary" || failures=1
        [ -f "$temporary"/*.json ] && [ -f "$temporary"/*.md ] || failures=1
        [ "$failures" = 0 ] && say "dry run: ok; what needs a GPU (CUDA, sanitizer, graphs, PyTorch beside it) has not been run."
        exit "$failures"
    fi

    # Bit for bit what the PTX manual says, or within its bounds: what the PTX machine of the tests is taken at its word for.
    runner="$temporary/run_opcodes"
    build_opcodes "$opcodes" "$runner" || runner="$opcodes/run_opcodes"
    if [ -x "$runner" ]; then
        step "every PTX operation against the manual" "$runner" libcuda.so.1 "$opcodes"/*.ptx
    else
        say "no C compiler was found, so the PTX operations were not compared with the manual."
    fi
    step "conformance with the managed engine, every backend" hipifast bench gpu --device cuda:0 --check
    if command -v compute-sanitizer >/dev/null 2>&1; then
        for backend in cuda cuda-bf16 ilgpu ilgpu-bf16; do
            sanitize memcheck "$backend"
            sanitize racecheck "$backend"
        done
    else
        say "compute-sanitizer was not found, so memory and races were not checked."
    fi
    has_torch=
    if python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' >/dev/null 2>&1; then
        has_torch=yes
        sizes=32x32,128x128,256x256,1024x1024,4096x4096
        for precision in fp32 bf16; do
            if [ -n "$quick" ]; then
                peers eager $precision 64 32x32 0.2
            else
                # Compiling takes longer than measuring, so only the width that is quoted is.
                peers eager $precision "64 256 1024" $sizes 1
                peers compiled $precision 256 $sizes 1
            fi
        done
    else
        say "python3 has no torch that sees the GPU, so PyTorch was not measured."
    fi
    torch_learner "$has_torch"
    mkdir -p "$results"
    hipifast bench gpu --device cuda:0 $quick --peers "$times" --out "$results" || failures=$((failures + 1))
    report=$(find "$results" -name '*.md' -newer "$times" | head -n 1)
    [ -n "$report" ] || die "no results were written; failures: $failures."
    [ -s "$temporary/torch.md" ] && { printf '\n## The torch learner\n\n'; cat "$temporary/torch.md"; } >>"$report"
    if command -v ptxas >/dev/null 2>&1; then
        printf '\n## ptxas\n\n' >>"$report"
        : >"$temporary/problems"
        ptxas_report "$temporary/problems" | tee -a "$report"
        if [ -s "$temporary/problems" ]; then
            failures=$((failures + 1))
            say "ptxas found what should not be:"
            cat "$temporary/problems"
        fi
        loops_table | tee -a "$report"
    else
        say "ptxas was not found; registers and spills are those that the driver reports."
    fi
    say "results: $report and .json beside it; failures: $failures"
    [ "$failures" = 0 ]
}

case "${1:-}" in
    pack) [ $# = 2 ] || die "usage: gpu.sh pack DIR"; pack "$2" ;;
    --quick) run --quick ;;
    '') run '' ;;
    *) die "unknown argument '$1'; expected 'pack DIR', '--quick' or nothing." ;;
esac
