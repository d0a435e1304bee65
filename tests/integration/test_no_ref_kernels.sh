# oneDNN has a plain reference kernel for whatever it has no fast one for, which is a thousand times
# slower. ResNet-50 must never meet it, training or scoring, from 32 to 256 pixels, and on machines
# with AVX2 alone not where maps end up small, which is where they lack kernels. Gradients of weights
# are kernels of our own there.
network=whole
source "$(dirname "$0")/lib.sh"

# expect_fast NAME SIZE [VARIABLE=VALUE]
expect_fast() {
    local listing=$work/$1-$2.txt found
    env DNNL_VERBOSE=1 "${@:3}" "$ASSAY_BIN/assay-worker" bench --backend cpu --size "$2" --batch 2 \
        --steps 1 >"$listing"
    for kind in forward_training backward_data forward_inference; do
        grep -q ",convolution,.*,$kind," "$listing" || fail "no $kind listed, $1, $2 px"
    done
    found=$(grep -cE '^(dnnl|onednn)_verbose,exec,cpu,[^,]*,[^,]*ref' "$listing") || true
    [ "$found" = 0 ] || fail "$found reference kernels, $1, $2 px"
}

for size in 32 64 96 128 224 256; do
    expect_fast native "$size"
done
for size in 32 64 96; do
    expect_fast avx2 "$size" ONEDNN_MAX_CPU_ISA=AVX2
done
