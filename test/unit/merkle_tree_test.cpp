// SPDX-License-Identifier: PostgreSQL
#include "core/merkle/tree.hpp"

#include "core/error.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>

namespace core = saas::core;
namespace merkle = saas::core::merkle;

namespace {

// The leaves of the tests of Certificate Transparency (certificate-transparency-go, merkle_tree).
const char *const k_inputs[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};

std::vector<core::digest> known_leaves() {
    std::vector<core::digest> leaves;
    for (const std::string text : k_inputs) {
        std::vector<std::uint8_t> data(text.size() / 2);
        EXPECT_TRUE(core::from_hex(text, data));
        leaves.push_back(merkle::leaf_hash(data));
    }
    return leaves;
}

std::vector<core::digest> made_leaves(std::size_t count) {
    std::vector<core::digest> leaves;
    for (std::size_t i = 0; i < count; ++i)
        leaves.push_back(merkle::leaf_hash(core::bytes_of("leaf " + std::to_string(i))));
    return leaves;
}

std::vector<std::string> hex(const std::vector<core::digest> &proof) {
    std::vector<std::string> out;
    for (const core::digest &hash : proof)
        out.push_back(core::to_hex(hash));
    return out;
}

std::span<const core::digest> first(const std::vector<core::digest> &leaves, std::size_t n) {
    return std::span{leaves}.first(n);
}

} // namespace

TEST(merkle_tree, roots_of_certificate_transparency) {
    const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    const auto leaves = known_leaves();
    for (std::size_t n = 1; n <= leaves.size(); ++n)
        EXPECT_EQ(core::to_hex(merkle::root_of(first(leaves, n))), roots[n - 1]) << n;
    EXPECT_EQ(core::to_hex(merkle::root_of({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(merkle_tree, inclusion_proofs_of_certificate_transparency) {
    const auto leaves = known_leaves();
    using proof = std::vector<std::string>;
    EXPECT_EQ(hex(merkle::inclusion_proof(first(leaves, 1), 0)), proof{});
    EXPECT_EQ(hex(merkle::inclusion_proof(leaves, 0)),
              (proof{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(hex(merkle::inclusion_proof(first(leaves, 3), 2)),
              (proof{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
}

TEST(merkle_tree, consistency_proofs_of_certificate_transparency) {
    const auto leaves = known_leaves();
    using proof = std::vector<std::string>;
    EXPECT_EQ(hex(merkle::consistency_proof(first(leaves, 1), 1)), proof{});
    EXPECT_EQ(hex(merkle::consistency_proof(leaves, 1)),
              (proof{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(hex(merkle::consistency_proof(leaves, 6)),
              (proof{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                     "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
    EXPECT_EQ(hex(merkle::consistency_proof(first(leaves, 5), 2)),
              (proof{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

TEST(merkle_tree, growing_gives_the_same_roots_from_any_point) {
    const auto leaves = made_leaves(70);
    merkle::growing_tree tree;
    for (std::size_t n = 0; n <= leaves.size(); ++n) {
        EXPECT_EQ(tree.root(), merkle::root_of(first(leaves, n))) << n;
        EXPECT_EQ(tree.edge().size(), static_cast<std::size_t>(std::popcount(n)));
        merkle::growing_tree kept{tree.size(), tree.edge()};
        for (std::size_t i = n; i < leaves.size(); ++i)
            kept.append(leaves[i]);
        EXPECT_EQ(kept.root(), merkle::root_of(leaves)) << n;
        if (n < leaves.size())
            tree.append(leaves[n]);
    }
}

TEST(merkle_tree, every_inclusion_proof_verifies_and_no_other_place_does) {
    const auto leaves = made_leaves(40);
    for (std::size_t size = 1; size <= leaves.size(); ++size) {
        const auto tree = first(leaves, size);
        const core::digest root = merkle::root_of(tree);
        for (std::size_t i = 0; i < size; ++i) {
            const auto proof = merkle::inclusion_proof(tree, i);
            EXPECT_TRUE(merkle::verify_inclusion(leaves[i], i, size, proof, root));
            for (std::size_t other = 0; other <= size; ++other) {
                if (other != i) {
                    EXPECT_FALSE(merkle::verify_inclusion(leaves[i], other, size, proof, root));
                }
            }
            EXPECT_FALSE(merkle::verify_inclusion(leaves[(i + 1) % 40], i, size, proof, root));
            auto longer = proof;
            longer.push_back(root);
            EXPECT_FALSE(merkle::verify_inclusion(leaves[i], i, size, longer, root));
            if (!proof.empty()) {
                EXPECT_FALSE(merkle::verify_inclusion(
                    leaves[i], i, size, std::span{proof}.first(proof.size() - 1), root));
            }
        }
    }
}

TEST(merkle_tree, proofs_stop_when_they_are_asked_to) {
    const std::vector<core::digest> leaves(3000);
    const core::cancel_poll stop{[] { return true; }};
    EXPECT_THROW((void)merkle::inclusion_proof(leaves, 0, stop), core::cancelled);
    EXPECT_THROW((void)merkle::consistency_proof(leaves, 5, stop), core::cancelled);
}

TEST(merkle_tree, every_consistency_proof_verifies_and_no_other_does) {
    const auto leaves = made_leaves(40);
    for (std::size_t second = 1; second <= leaves.size(); ++second) {
        const auto tree = first(leaves, second);
        const core::digest root = merkle::root_of(tree);
        for (std::size_t n = 1; n <= second; ++n) {
            const auto proof = merkle::consistency_proof(tree, n);
            const core::digest old_root = merkle::root_of(first(leaves, n));
            EXPECT_TRUE(merkle::verify_consistency(n, second, proof, old_root, root));
            const core::digest wrong = merkle::node_hash(old_root, root);
            EXPECT_FALSE(merkle::verify_consistency(n, second, proof, wrong, root));
            EXPECT_FALSE(merkle::verify_consistency(n, second, proof, old_root, wrong));
            auto longer = proof;
            longer.push_back(root);
            EXPECT_FALSE(merkle::verify_consistency(n, second, longer, old_root, root));
            if (!proof.empty()) {
                EXPECT_FALSE(merkle::verify_consistency(
                    n, second, std::span{proof}.first(proof.size() - 1), old_root, root));
            }
        }
    }
}

TEST(merkle_tree, a_flipped_bit_breaks_a_proof) {
    const auto leaves = made_leaves(57);
    const core::digest root = merkle::root_of(leaves);
    std::mt19937 random{1};
    for (int i = 0; i < 500; ++i) {
        const std::size_t index = random() % leaves.size();
        auto proof = merkle::inclusion_proof(leaves, index);
        proof[random() % proof.size()][random() % 32] ^=
            static_cast<std::uint8_t>(1U << random() % 8);
        EXPECT_FALSE(merkle::verify_inclusion(leaves[index], index, leaves.size(), proof, root));
    }
}

TEST(merkle_tree, refuses_what_cannot_be) {
    const auto leaves = made_leaves(5);
    const core::digest root = merkle::root_of(leaves);
    EXPECT_FALSE(merkle::verify_inclusion(leaves[0], 0, 0, {}, root));
    EXPECT_FALSE(merkle::verify_inclusion(leaves[0], 5, 5, {}, root));
    EXPECT_FALSE(merkle::verify_consistency(0, 5, {}, core::sha256({}), root));
    EXPECT_FALSE(merkle::verify_consistency(6, 5, {}, root, root));
    EXPECT_FALSE(merkle::verify_consistency(3, 5, {}, root, root));
    EXPECT_THROW((void)merkle::inclusion_proof(leaves, 5), core::error);
    EXPECT_THROW((void)merkle::consistency_proof(leaves, 0), core::error);
    EXPECT_THROW((void)merkle::consistency_proof(leaves, 6), core::error);
    EXPECT_THROW((merkle::growing_tree{3, {root}}), core::error);
}
