// SPDX-License-Identifier: PostgreSQL
// Any bytes as a stored value, and as a key file: read without an error, never accepted unless made
// under the key.
#include "core/encryption/ciphertext.hpp"
#include "core/encryption/derive.hpp"
#include "core/encryption/key_file.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace encryption = saas::core::encryption;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static encryption::value_cipher cipher;
    static std::array<encryption::secret_key, 1> roots;
    roots[0].bytes()[0] = 1;
    const std::span value{data, size};
    const auto known = encryption::parse_header(value);
    if (known) {
        if (encryption::sealed_size(known->chosen, encryption::plain_size(*known, size)) != size)
            std::abort();
        std::vector<std::uint8_t> out(encryption::plain_size(*known, size));
        encryption::secret<64> room;
        const auto key = encryption::value_key(roots[0], known->chosen, room);
        saas::core::uuid id{};
        for (const encryption::binding &bound :
             {encryption::binding{id, {}, {}}, {id, id, {}}, {id, {}, id}, {id, id, id}}) {
            if (cipher.open(*known, key, bound, value, out))
                std::abort();
        }
    }
    if (encryption::key_file::parse(value, roots))
        std::abort();
    return 0;
}
