// SPDX-License-Identifier: PostgreSQL
#include "core/merkle/tree.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace saas::core::merkle {
namespace {

constexpr std::uint8_t k_leaf_prefix = 0;
constexpr std::uint8_t k_node_prefix = 1;

// The largest power of two below n, for n > 1: where RFC 6962 splits a tree.
std::size_t split_of(std::size_t n) {
    return std::bit_floor(n - 1);
}

digest root_with(std::span<const digest> leaves, cancel_poll &poll) {
    growing_tree tree;
    for (const digest &leaf : leaves) {
        poll.step();
        tree.append(leaf);
    }
    return tree.root();
}

void prove_consistency(std::span<const digest> leaves, std::size_t first, bool known,
                       cancel_poll &poll, std::vector<digest> &proof) {
    if (first == leaves.size()) {
        if (!known)
            proof.push_back(root_with(leaves, poll));
        return;
    }
    const std::size_t k = split_of(leaves.size());
    if (first <= k) {
        prove_consistency(leaves.first(k), first, known, poll, proof);
        proof.push_back(root_with(leaves.subspan(k), poll));
    } else {
        prove_consistency(leaves.subspan(k), first - k, false, poll, proof);
        proof.push_back(root_with(leaves.first(k), poll));
    }
}

} // namespace

digest leaf_hash(std::span<const std::uint8_t> data) {
    sha256_hasher hasher;
    hasher.begin();
    hasher.add({&k_leaf_prefix, 1});
    hasher.add(data);
    return hasher.end();
}

digest node_hash(const digest &left, const digest &right) {
    sha256_hasher hasher;
    hasher.begin();
    hasher.add({&k_node_prefix, 1});
    hasher.add(left);
    hasher.add(right);
    return hasher.end();
}

growing_tree::growing_tree(std::uint64_t size, std::vector<digest> edge)
    : size_{size}, edge_{std::move(edge)} {
    if (edge_.size() != static_cast<std::size_t>(std::popcount(size_)))
        throw error{k_invalid_parameter_value, "the edge of a Merkle tree does not fit its size",
                    "A tree of " + std::to_string(size_) + " leaves has " +
                        std::to_string(std::popcount(size_)) + " full subtrees, not " +
                        std::to_string(edge_.size()) + "."};
}

digest growing_tree::combine(const digest &left, const digest &right) {
    std::array<std::uint8_t, 1 + 2 * sizeof(digest)> node;
    node[0] = k_node_prefix;
    std::copy(left.begin(), left.end(), node.begin() + 1);
    std::copy(right.begin(), right.end(), node.begin() + 1 + sizeof(digest));
    hasher_.begin();
    hasher_.add(node);
    return hasher_.end();
}

void growing_tree::append(const digest &leaf) {
    digest node = leaf;
    for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
        node = combine(edge_.back(), node);
        edge_.pop_back();
    }
    edge_.push_back(node);
    ++size_;
}

digest growing_tree::root() {
    if (edge_.empty())
        return sha256({});
    digest node = edge_.back();
    for (std::size_t i = edge_.size() - 1; i > 0; --i)
        node = combine(edge_[i - 1], node);
    return node;
}

digest root_of(std::span<const digest> leaves) {
    cancel_poll never;
    return root_with(leaves, never);
}

std::vector<digest> inclusion_proof(std::span<const digest> leaves, std::uint64_t index,
                                    cancel_poll poll) {
    if (index >= leaves.size())
        throw error{k_invalid_parameter_value,
                    "the tree has no leaf number " + std::to_string(index)};
    std::vector<digest> proof;
    while (leaves.size() > 1) {
        const std::size_t k = split_of(leaves.size());
        if (index < k) {
            proof.push_back(root_with(leaves.subspan(k), poll));
            leaves = leaves.first(k);
        } else {
            proof.push_back(root_with(leaves.first(k), poll));
            leaves = leaves.subspan(k);
            index -= k;
        }
    }
    std::reverse(proof.begin(), proof.end());
    return proof;
}

std::vector<digest> consistency_proof(std::span<const digest> leaves, std::uint64_t first,
                                      cancel_poll poll) {
    if (first == 0 || first > leaves.size())
        throw error{k_invalid_parameter_value,
                    "the tree never had " + std::to_string(first) + " leaves"};
    std::vector<digest> proof;
    prove_consistency(leaves, first, true, poll, proof);
    return proof;
}

bool verify_inclusion(const digest &leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const digest> proof, const digest &root) {
    if (index >= size)
        return false;
    std::uint64_t place = index;
    std::uint64_t last = size - 1;
    digest node = leaf;
    for (const digest &sibling : proof) {
        if (last == 0)
            return false;
        if ((place & 1) != 0 || place == last) {
            node = node_hash(sibling, node);
            while ((place & 1) == 0 && place != 0) {
                place >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(node, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    return last == 0 && node == root;
}

bool verify_consistency(std::uint64_t first, std::uint64_t second, std::span<const digest> proof,
                        const digest &first_root, const digest &second_root) {
    if (first == 0 || first > second)
        return false;
    if (first == second)
        return proof.empty() && first_root == second_root;
    if (proof.empty())
        return false;
    std::uint64_t place = first - 1;
    std::uint64_t last = second - 1;
    for (; (place & 1) != 0; place >>= 1)
        last >>= 1;
    // When the first tree is full its root is a node of the second, and the proof leaves it out.
    const bool full = std::has_single_bit(first);
    digest old_node = full ? first_root : proof.front();
    digest new_node = old_node;
    for (const digest &sibling : proof.subspan(full ? 0 : 1)) {
        if (last == 0)
            return false;
        if ((place & 1) != 0 || place == last) {
            old_node = node_hash(sibling, old_node);
            new_node = node_hash(sibling, new_node);
            while ((place & 1) == 0 && place != 0) {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_node = node_hash(new_node, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    return last == 0 && old_node == first_root && new_node == second_root;
}

} // namespace saas::core::merkle
