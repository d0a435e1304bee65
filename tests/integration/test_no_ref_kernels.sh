# Where there is AVX2, all convolutions of a ResNet-50 are kernels of our own, in blocks of 8 or of 16
# channels, from 32 to 256 pixels, training or scoring. Elsewhere they are oneDNN's, which has a plain
# reference kernel for whatever it has no fast one for, a thousand times slower: none may be met.
network=whole
source "$(dirname "$0")/lib.sh"

listed() { # of the listing, the primitives that PATTERN matches
    grep -cE "^(dnnl|onednn)_verbose,(v1,)?(primitive,)?exec,cpu,$1" "$listing" || true
}

# expect_fast NAME SIZE [VARIABLE=VALUE]
expect_fast() {
    listing=$work/$1-$2.txt
    env DNNL_VERBOSE=1 "${@:3}" "$ASSAY_BIN/assay-worker" bench --backend cpu --size "$2" --batch 2 \
        --steps 1 >"$listing"
    [ "$(listed reorder,)" -gt 0 ] || fail "nothing is listed, $1, $2 px"
    if grep -qw avx2 /proc/cpuinfo; then
        [ "$(listed convolution,)" = 0 ] || fail "convolutions of oneDNN's, $1, $2 px"
    else
        [ "$(listed convolution,)" -gt 0 ] || fail "no convolution is listed, $1, $2 px"
        [ "$(listed '[^,]*,[^,]*ref')" = 0 ] || fail "reference kernels, $1, $2 px"
    fi
}

for size in 32 64 96 128 224 256; do
    expect_fast native "$size"
done
for size in 32 64 96; do
    expect_fast avx2 "$size" ONEDNN_MAX_CPU_ISA=AVX2
done
