// SPDX-License-Identifier: PostgreSQL
// Merkle trees as Certificate Transparency defines them: RFC 6962, section 2.1; the verifiers are
// those of RFC 9162, sections 2.1.3.2 and 2.1.4.2. Leaves come in as leaf hashes,
// SHA-256(0x00 ‖ data); their data stays where it is.
#pragma once

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace saas::core::merkle {

// SHA-256(0x00 ‖ data).
[[nodiscard]] digest leaf_hash(std::span<const std::uint8_t> data);

// SHA-256(0x01 ‖ left ‖ right).
[[nodiscard]] digest node_hash(const digest &left, const digest &right);

// A tree that only grows, of which no more is kept than its right edge: the roots of the largest
// full subtrees, from the left; one for each bit that is set in the size.
class growing_tree {
public:
    growing_tree() = default;
    // Goes on from a right edge that was kept. Throws 22023 when the number of roots does not fit.
    growing_tree(std::uint64_t size, std::vector<digest> edge);

    void append(const digest &leaf);

    // The root; of the empty tree SHA-256 of nothing.
    [[nodiscard]] digest root();
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] const std::vector<digest> &edge() const noexcept { return edge_; }

private:
    [[nodiscard]] digest combine(const digest &left, const digest &right);

    std::uint64_t size_ = 0;
    std::vector<digest> edge_;
    sha256_hasher hasher_;
};

// The root of these leaves.
[[nodiscard]] digest root_of(std::span<const digest> leaves);

// PATH(index, leaves) of RFC 6962: the audit path of one leaf, from the leaf upwards. Throws 22023
// when there is no such leaf. `poll` is asked once a leaf.
[[nodiscard]] std::vector<digest> inclusion_proof(std::span<const digest> leaves,
                                                  std::uint64_t index,
                                                  cancel_poll poll = cancel_poll{});

// PROOF(first, leaves): that the first leaves of the tree are still those they were. Empty when
// `first` is the whole tree. Throws 22023 unless 0 < first <= number of leaves.
// `poll` is asked once a leaf.
[[nodiscard]] std::vector<digest> consistency_proof(std::span<const digest> leaves,
                                                    std::uint64_t first,
                                                    cancel_poll poll = cancel_poll{});

// True when the proof shows that `leaf` is the leaf number `index`, from 0, of the tree of `size`
// leaves with that root. False for any other input.
[[nodiscard]] bool verify_inclusion(const digest &leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const digest> proof, const digest &root);

// True when the proof shows that the tree of `first` leaves is the beginning of the tree of
// `second` leaves. Trees of one size need an empty proof and one root. False for any other input;
// also for first = 0, since an empty tree is the beginning of any and proves nothing.
[[nodiscard]] bool verify_consistency(std::uint64_t first, std::uint64_t second,
                                      std::span<const digest> proof, const digest &first_root,
                                      const digest &second_root);

} // namespace saas::core::merkle
