// SPDX-License-Identifier: PostgreSQL
// Merkle proofs and checkpoints from outside: any bytes are refused or read without harm; a proof
// that verifies is the one that the tree itself gives; a checkpoint that is read is written the
// same.
#include "core/audit/checkpoint.hpp"
#include "core/merkle/tree.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

namespace core = saas::core;
namespace merkle = saas::core::merkle;

constexpr std::size_t k_leaves = 33;

// Few bytes choose among hashes of the real tree, so that the fuzzer comes near genuine proofs.
std::vector<core::digest> proof_from(const std::uint8_t *data, std::size_t size,
                                     const std::vector<core::digest> &nodes) {
    std::vector<core::digest> proof;
    for (std::size_t i = 0; i < size && i < 80; ++i)
        proof.push_back(nodes[data[i] % nodes.size()]);
    return proof;
}

void check_proofs(const std::uint8_t *data, std::size_t size) {
    static const auto tree = [] {
        std::vector<core::digest> leaves;
        for (std::uint8_t i = 0; i < k_leaves; ++i)
            leaves.push_back(merkle::leaf_hash({&i, 1}));
        return leaves;
    }();
    static const auto nodes = [] {
        std::vector<core::digest> all{tree};
        for (std::size_t width = 2; width <= 2 * k_leaves; width *= 2) {
            for (std::size_t at = 0; at < k_leaves; at += width)
                all.push_back(
                    merkle::root_of(std::span{tree}.subspan(at, std::min(width, k_leaves - at))));
        }
        return all;
    }();
    const std::size_t first = data[0] % (k_leaves + 2);
    const std::size_t second = data[1] % (k_leaves + 1);
    const auto proof = proof_from(data + 2, size - 2, nodes);
    const auto leaves = std::span{tree}.first(second);
    const core::digest root = merkle::root_of(leaves);
    const core::digest &leaf = tree[first % k_leaves];
    if (merkle::verify_inclusion(leaf, first, second, proof, root) &&
        merkle::inclusion_proof(leaves, first) != proof)
        std::abort();
    const core::digest old_root = merkle::root_of(std::span{tree}.first(first % (k_leaves + 1)));
    if (merkle::verify_consistency(first, second, proof, old_root, root) &&
        merkle::consistency_proof(leaves, first) != proof)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    if (const auto read = core::audit::read_checkpoint(text)) {
        if (text.substr(0, core::audit::note_of(read->point).size()) !=
            core::audit::note_of(read->point))
            std::abort();
    }
    if (size < 2 + sizeof(std::uint64_t) * 2 + sizeof(core::digest))
        return 0;
    check_proofs(data, size);
    // Raw sizes and hashes.
    std::uint64_t numbers[2];
    std::memcpy(numbers, data, sizeof(numbers));
    std::vector<core::digest> hashes((size - sizeof(numbers)) / sizeof(core::digest));
    std::memcpy(hashes.data(), data + sizeof(numbers), hashes.size() * sizeof(core::digest));
    (void)merkle::verify_inclusion(hashes[0], numbers[0], numbers[1], hashes, hashes[0]);
    (void)merkle::verify_consistency(numbers[0], numbers[1], hashes, hashes[0], hashes.back());
    return 0;
}
