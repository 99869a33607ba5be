// SPDX-License-Identifier: PostgreSQL
// Web Authentication: the specification's own vectors, an authenticator of ours, and all that is
// refused.
#include "core/webauthn/ceremony.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "core/webauthn/public_key.hpp"
#include "webauthn_authenticator.hpp"

namespace saas::core::webauthn {
namespace {

namespace au = saas::authenticator;
using fields = std::map<std::string, std::string>;

const std::string k_challenge = "thirty-two bytes of a challenge!";

relying_party party() {
    return {"example.org", {"https://example.org", "https://www.example.org"}};
}

std::string reason(const std::variant<registration, refusal> &result) {
    const auto *why = std::get_if<refusal>(&result);
    return why == nullptr ? "accepted" : std::string{name_of(*why)};
}
std::string reason(const std::variant<assertion, refusal> &result) {
    const auto *why = std::get_if<refusal>(&result);
    return why == nullptr ? "accepted" : std::string{name_of(*why)};
}

std::map<std::string, fields> vectors() {
    std::ifstream file(SAAS_SOURCE_DIR "/test/data/webauthn/vectors.txt");
    std::map<std::string, fields> all;
    std::string section;
    std::string name;
    std::string digits;
    while (file >> name) {
        if (name[0] == '#') {
            std::getline(file, name);
        } else if (name[0] == '[') {
            section = name.substr(1, name.size() - 2);
        } else {
            file >> digits;
            std::string bytes(digits.size() / 2, '\0');
            EXPECT_TRUE(
                from_hex(digits, {reinterpret_cast<std::uint8_t *>(bytes.data()), bytes.size()}));
            all[section][name] = bytes;
        }
    }
    return all;
}

// The credential of a vector, registered as published, or with its data under fmt none.
std::variant<registration, refusal> register_vector(fields &of, const relying_party &asked) {
    au::device shell{au::kind::eddsa};
    shell.id = of["credential_id"];
    const std::string object =
        of.count("attestationObject") != 0
            ? of["attestationObject"]
            : shell.attestation_object("none", au::map(0, ""), of["authenticatorData"]);
    return check_registration(shell.registration_of(of["clientDataJSON"], object), of["challenge"],
                              asked);
}
std::string vector_assertion(fields &of) {
    au::device shell{au::kind::eddsa};
    shell.id = of["credential_id"];
    return shell.assertion_of(of["get_clientDataJSON"], of["get_authenticatorData"],
                              of["get_signature"]);
}

TEST(webauthn_vectors, AreAccepted) {
    auto all = vectors();
    const std::map<std::string, attestation> expected{{"none.ES256", attestation::none},
                                                      {"packed-self.ES256", attestation::self},
                                                      {"packed.ES256", attestation::none},
                                                      {"packed.RS256", attestation::none},
                                                      {"packed.EdDSA", attestation::unchecked}};
    for (const auto &[name, attested] : expected) {
        auto &of = all.at(name);
        const auto made = register_vector(of, party());
        ASSERT_EQ(reason(made), "accepted") << name;
        const auto &key = std::get<registration>(made);
        EXPECT_EQ(key.credential_id, of["credential_id"]);
        EXPECT_EQ(key.attested, attested) << name;
        const credential kept{key.public_key, key.sign_count, key.backup_eligible};
        EXPECT_EQ(reason(check_assertion(vector_assertion(of), of["get_challenge"], kept, party())),
                  "accepted")
            << name;
        EXPECT_EQ(reason(check_assertion(vector_assertion(of), of["challenge"], kept, party())),
                  "wrong challenge");
        const auto claimed = read_assertion(vector_assertion(of));
        ASSERT_TRUE(claimed);
        EXPECT_EQ(claimed->challenge, of["get_challenge"]);
        EXPECT_EQ(claimed->credential_id, of["credential_id"]);
    }
    EXPECT_TRUE(std::get<registration>(register_vector(all.at("none.ES256"), party())).backed_up);
    EXPECT_FALSE(
        std::get<registration>(register_vector(all.at("packed.EdDSA"), party())).backup_eligible);
}

TEST(webauthn_vectors, AreRefusedForOthers) {
    auto all = vectors();
    EXPECT_EQ(reason(register_vector(all.at("none.ES256.crossOrigin"), party())), "wrong origin");
    relying_party other = party();
    other.id = "example.com";
    EXPECT_EQ(reason(register_vector(all.at("none.ES256"), other)), "wrong relying party");
    other = party();
    other.origins = {"https://example.com"};
    EXPECT_EQ(reason(register_vector(all.at("none.ES256"), other)), "wrong origin");
    other = party();
    other.requires_user_verification = true;
    EXPECT_EQ(reason(register_vector(all.at("none.ES256"), other)), "user not verified");
    EXPECT_EQ(reason(register_vector(all.at("packed-self.ES256"), other)), "accepted");
    other = party();
    other.believes_others = false;
    EXPECT_EQ(reason(register_vector(all.at("packed.EdDSA"), other)), "unsupported attestation");
    EXPECT_EQ(reason(register_vector(all.at("packed-self.ES256"), other)), "accepted");
}

// Every bit counts: each change is refused, or, in the name of the format, leaves nothing to
// believe.
TEST(webauthn_bits, OfARegistrationWithSelfAttestation) {
    auto all = vectors();
    auto &of = all.at("packed-self.ES256");
    relying_party strict = party();
    strict.believes_others = false;
    for (const char *part : {"attestationObject", "clientDataJSON"}) {
        std::string &bytes = of[part];
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            const char before = bytes[bit / 8];
            bytes[bit / 8] = static_cast<char>(before ^ (1 << bit % 8));
            EXPECT_NE(reason(register_vector(of, strict)), "accepted") << part << " bit " << bit;
            const auto result = register_vector(of, party());
            const auto *made = std::get_if<registration>(&result);
            EXPECT_TRUE(made == nullptr || made->attested == attestation::unchecked);
            bytes[bit / 8] = before;
        }
    }
    EXPECT_EQ(reason(register_vector(of, strict)), "accepted");
}

class webauthn_each : public testing::TestWithParam<au::kind> {};
INSTANTIATE_TEST_SUITE_P(Algorithms, webauthn_each,
                         testing::Values(au::kind::es256, au::kind::eddsa, au::kind::rs256));

TEST_P(webauthn_each, RegistersAndProves) {
    au::device device{GetParam()};
    device.id = std::string(1023, 'x');
    device.counter = 7;
    device.flags = 0x0d;
    const std::string client = device.client_data("webauthn.create", k_challenge);
    const auto made = check_registration(
        device.registration_of(client, device.self_attested(client)), k_challenge, party());
    ASSERT_EQ(reason(made), "accepted");
    const auto &key = std::get<registration>(made);
    EXPECT_EQ(key.attested, attestation::self);
    EXPECT_EQ(key.sign_count, 7U);
    EXPECT_TRUE(key.user_verified);
    EXPECT_TRUE(key.backup_eligible);
    EXPECT_FALSE(key.backed_up);
    EXPECT_EQ(key.model[0], 0x11);
    EXPECT_EQ(key.transports, (std::vector<std::string>{"usb", "nfc"}));
    EXPECT_EQ(
        reason(check_registration(device.register_with_none(k_challenge), k_challenge, party())),
        "accepted");
    device.counter = 8;
    const auto proved = check_assertion(device.assert_for(k_challenge), k_challenge,
                                        {key.public_key, key.sign_count, true}, party());
    ASSERT_EQ(reason(proved), "accepted");
    EXPECT_EQ(std::get<assertion>(proved).sign_count, 8U);
    EXPECT_EQ(read_assertion(device.assert_for(k_challenge))->user_handle, "a user");
}

TEST_P(webauthn_each, EveryBitOfAnAssertionCounts) {
    const au::device device{GetParam()};
    const std::string key = device.public_key();
    const std::string client = device.client_data("webauthn.get", k_challenge);
    const std::string data = device.authenticator_data(0, "");
    const std::string signature = device.sign(data + au::hash(client));
    std::array<std::string, 3> parts{client, data, signature};
    const auto result = [&] {
        return reason(check_assertion(device.assertion_of(parts[0], parts[1], parts[2]),
                                      k_challenge, {key, 0, false}, party()));
    };
    ASSERT_EQ(result(), "accepted");
    for (std::string &part : parts) {
        for (std::size_t bit = 0; bit < part.size() * 8; ++bit) {
            part[bit / 8] = static_cast<char>(part[bit / 8] ^ (1 << bit % 8));
            EXPECT_NE(result(), "accepted") << bit;
            part[bit / 8] = static_cast<char>(part[bit / 8] ^ (1 << bit % 8));
        }
        part.push_back('\0');
        EXPECT_NE(result(), "accepted");
        part.pop_back();
    }
    const au::device other{GetParam()};
    EXPECT_EQ(reason(check_assertion(device.assert_for(k_challenge), k_challenge,
                                     {other.public_key(), 0, false}, party())),
              "wrong signature");
}

TEST(webauthn_assertion, CountersGoForward) {
    au::device device{au::kind::eddsa};
    const std::string key = device.public_key();
    const auto try_with = [&](std::uint32_t counter, std::uint32_t kept) {
        device.counter = counter;
        return reason(check_assertion(device.assert_for(k_challenge), k_challenge,
                                      {key, kept, false}, party()));
    };
    EXPECT_EQ(try_with(0, 0), "accepted");
    EXPECT_EQ(try_with(1, 0), "accepted");
    EXPECT_EQ(try_with(0xffffffff, 0xfffffffe), "accepted");
    EXPECT_EQ(try_with(5, 5), "copied key");
    EXPECT_EQ(try_with(4, 5), "copied key");
    EXPECT_EQ(try_with(0, 5), "copied key");
}

TEST(webauthn_assertion, RefusesWhatIsNoProof) {
    au::device device{au::kind::eddsa};
    const std::string key = device.public_key();
    const auto result = [&](bool eligible = false) {
        return reason(check_assertion(device.assert_for(k_challenge), k_challenge,
                                      {key, 0, eligible}, party()));
    };
    EXPECT_EQ(result(), "accepted");
    EXPECT_EQ(result(true), "wrong backup");
    device.flags = 0x00;
    EXPECT_EQ(result(), "user not present");
    device.flags = 0x09;
    EXPECT_EQ(result(), "wrong backup");
    device.flags = 0x11; // backed up, and cannot be
    EXPECT_EQ(result(), "malformed response");
    device.flags = 0x41; // says that a credential follows
    EXPECT_EQ(result(), "malformed response");
    device.flags = 0x81;
    EXPECT_EQ(result(), "malformed response");
    device.flags = 0x23; // bits without a meaning
    EXPECT_EQ(result(), "accepted");
    device.flags = 0x01;
    for (const char *more : {R"(,"crossOrigin":true)", R"(,"topOrigin":"https://example.org")",
                             R"(,"crossOrigin":false,"topOrigin":"https://evil.example")"}) {
        device.more_client_data = more;
        EXPECT_EQ(result(), "wrong origin") << more;
    }
    device.more_client_data = R"(,"crossOrigin":1)";
    EXPECT_EQ(result(), "malformed response");
    device.more_client_data = R"(,"origin":"https://evil.example")"; // twice
    EXPECT_EQ(result(), "malformed response");
    device.more_client_data = R"(,"crossOrigin":false,"other":[{"a":1}])";
    EXPECT_EQ(result(), "accepted");
    for (const char *origin :
         {"http://example.org", "https://example.org/", "https://example.org:444",
          "https://EXAMPLE.org", "https://sub.example.org", "", "null"}) {
        device.origin = origin;
        EXPECT_EQ(result(), "wrong origin") << origin;
    }
    device.origin = "https://www.example.org";
    EXPECT_EQ(result(), "accepted");
    device.relying_party = "www.example.org";
    EXPECT_EQ(result(), "wrong relying party");
    device.relying_party = "example.org";
    EXPECT_EQ(reason(check_assertion(device.assert_for(k_challenge), "", {key, 0, false}, party())),
              "wrong challenge");
    EXPECT_EQ(reason(check_assertion(device.assert_for(""), "", {key, 0, false}, party())),
              "wrong challenge");
    EXPECT_EQ(reason(check_assertion(device.assert_for(k_challenge), k_challenge, {"", 0, false},
                                     party())),
              "unsupported key");
    // What proves a registration proves no presence later, and the other way round.
    EXPECT_EQ(reason(check_assertion(device.register_with_none(k_challenge), k_challenge,
                                     {key, 0, false}, party())),
              "malformed response");
    EXPECT_EQ(reason(check_registration(device.assert_for(k_challenge), k_challenge, party())),
              "malformed response");
}

TEST(webauthn_assertion, RefusesWhatIsNoAnswer) {
    au::device device{au::kind::eddsa};
    const std::string good = device.assert_for(k_challenge);
    const auto with = [&](const std::string &from, const std::string &to) {
        std::string text = good;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    };
    for (const std::string &text :
         {std::string{}, std::string{"{}"}, std::string{"null"}, std::string{"[]"},
          with("public-key", "password"), with("\"type\":\"public-key\",", ""),
          with(R"("rawId":")", R"("rawId":"AA)"), with(R"("id":")", R"("id":"=)"),
          with(R"("response":{)", R"("response":[{)"), with("signature", "signed"),
          with("authenticatorData", "data"), with("clientDataJSON", "clientData"), good + "{}",
          std::string(k_max_response_bytes + 1, ' ')})
        EXPECT_EQ(
            reason(check_assertion(text, k_challenge, {device.public_key(), 0, false}, party())),
            "malformed response")
            << text.substr(0, 200);
    EXPECT_FALSE(read_assertion(with("userHandle\":\"", "userHandle\":\"!")));
    EXPECT_TRUE(read_assertion(
        with(R"("userHandle":")" + au::base64url("a user") + "\"", R"("userHandle":null)")));
}

TEST(webauthn_registration, RefusesOtherKeysAndStatements) {
    au::device device{au::kind::eddsa};
    const std::string client = device.client_data("webauthn.create", k_challenge);
    const auto result = [&](const std::string &object) {
        return reason(
            check_registration(device.registration_of(client, object), k_challenge, party()));
    };
    const std::string data = device.new_credential();
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), data)), "accepted");
    EXPECT_EQ(result(device.attestation_object("none", au::map(1, au::text("sig") + au::bytes("")),
                                               data)),
              "malformed response");
    EXPECT_EQ(result(device.attestation_object("none", au::text(""), data)), "malformed response");
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), data + "x")),
              "malformed response");
    EXPECT_EQ(
        result(device.attestation_object("none", au::map(0, ""), device.authenticator_data(0, ""))),
        "malformed response");
    EXPECT_EQ(result(device.attestation_object("fido-u2f", au::map(0, ""), data)), "accepted");
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), data) + "x"),
              "malformed response");
    EXPECT_EQ(result(""), "malformed response");
    // Packed: another algorithm, a signature over something else, more than belongs there.
    const auto packed = [&](long algorithm, const std::string &signed_bytes) {
        return device.attestation_object("packed",
                                         au::map(2, au::text("alg") + au::number(algorithm) +
                                                        au::text("sig") +
                                                        au::bytes(device.sign(signed_bytes))),
                                         data);
    };
    EXPECT_EQ(result(packed(-8, data + au::hash(client))), "accepted");
    EXPECT_EQ(result(packed(-7, data + au::hash(client))), "wrong signature");
    EXPECT_EQ(result(packed(-8, data + au::hash("x"))), "wrong signature");
    EXPECT_EQ(result(device.attestation_object("packed", au::map(0, ""), data)),
              "malformed response");
    // Extensions are passed over, and must be a map.
    const auto extended = [&](const std::string &extensions) {
        return device.attestation_object(
            "none", au::map(0, ""), device.authenticator_data(0xc0, data.substr(37) + extensions));
    };
    EXPECT_EQ(result(extended(au::map(1, au::text("credProtect") + au::number(2)))), "accepted");
    EXPECT_EQ(result(extended(au::number(2))), "malformed response");
    EXPECT_EQ(result(extended("")), "malformed response");
    device.id = "";
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), device.new_credential())),
              "malformed response");
    device.id = std::string(1024, 'x');
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), device.new_credential())),
              "malformed response");
    device.id = "another";
    EXPECT_EQ(result(device.attestation_object("none", au::map(0, ""), data)),
              "malformed response");
}

std::optional<public_key> key_of(const std::string &encoded) {
    bytes_in rest = bytes_of(encoded);
    const auto map = take_item(rest);
    return map ? parse_public_key(*map) : std::nullopt;
}

TEST(webauthn_key, OnlyTheThreeAlgorithms) {
    const auto n = [](long value) { return au::number(value); };
    const std::string x = au::bytes(std::string(32, '\x01'));
    EXPECT_TRUE(key_of(au::device{au::kind::es256}.public_key()));
    EXPECT_TRUE(key_of(au::device{au::kind::rs256}.public_key()));
    EXPECT_FALSE(key_of(au::map(0, "")));
    EXPECT_FALSE(key_of(n(1)));
    EXPECT_FALSE(
        key_of(au::map(5, n(1) + n(2) + n(3) + n(-7) + n(-1) + n(1) + n(-2) + x + n(-3) + x)))
        << "not on the curve";
    EXPECT_FALSE(key_of(au::map(4, n(1) + n(2) + n(3) + n(-7) + n(-1) + n(1) + n(-2) + x)))
        << "half a point";
    EXPECT_TRUE(key_of(au::map(4, n(1) + n(1) + n(3) + n(-8) + n(-1) + n(6) + n(-2) + x)));
    EXPECT_FALSE(key_of(au::map(4, n(1) + n(1) + n(3) + n(-8) + n(-1) + n(4) + n(-2) + x)))
        << "X25519";
    EXPECT_FALSE(key_of(au::map(4, n(1) + n(1) + n(3) + n(-7) + n(-1) + n(6) + n(-2) + x)))
        << "another algorithm";
    EXPECT_FALSE(
        key_of(au::map(4, n(1) + n(1) + n(3) + n(-8) + n(-1) + n(6) + n(-2) + au::bytes("short"))));
    const auto rsa = [&](const std::string &modulus, const std::string &exponent) {
        return key_of(au::map(4, n(1) + n(3) + n(3) + n(-257) + n(-1) + au::bytes(modulus) + n(-2) +
                                     au::bytes(exponent)));
    };
    const std::string modulus = au::device{au::kind::rs256}.number_of_key(OSSL_PKEY_PARAM_RSA_N, 0);
    EXPECT_TRUE(rsa(modulus, {"\1\0\1", 3}));
    EXPECT_FALSE(rsa(modulus, {"\0\1\0\1", 4})) << "leading zero";
    EXPECT_FALSE(rsa('\0' + modulus, {"\1\0\1", 3}));
    EXPECT_FALSE(rsa(modulus.substr(1), {"\1\0\1", 3})) << "short";
    EXPECT_FALSE(rsa(modulus + modulus + "\1", {"\1\0\1", 3})) << "huge";
    EXPECT_FALSE(rsa(modulus, "\3"));
    EXPECT_FALSE(rsa("", ""));
}

} // namespace
} // namespace saas::core::webauthn
