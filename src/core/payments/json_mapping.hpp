// SPDX-License-Identifier: PostgreSQL
// Which members of a provider's JSON become which columns of a row, as the schema package writes it:
//
//     @card               json       payment_method_details.card | card
//     currency            currency   currency
//     amount              units      amount
//     card_last4          text       @card.last4
//     attributes.customer text       customer.id | customer
//
// A line is a target, a conversion and one or more paths; of the paths the first one at which there is something
// counts. A line that begins with | goes on with the paths of the one above. A target is a column, a member of a column of type jsonb, or a name with @
// for a part of the object with which the paths of the lines below may begin. A path is members' names,
// or places in arrays from 0, apart by points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::payments {

enum class conversion : std::uint8_t {
    json,          // of an @name alone: the part; null is something
    text,          // as ->> gives it
    short_text,    // its first 255 characters
    lower_text,    // in small letters
    mail_domain,   // what follows the last @ of an e-mail address, in small letters
    id,            // an identifier of 1 to 255 characters, or that of an expanded object
    required_id,   // the same, refused when it is missing
    units,         // an amount in the minor units of the currency, refused when it is missing
    units_or_zero, // the same, 0 when it is missing
    currency,      // a currency with a minor unit, by its code
    state,         // our state for the provider's, "state:object" of provider_status_map
    unix_time,     // unix seconds from 1970 to 9999; nothing for all else; not for a member
    time,          // a time of RFC 3339; nothing for all else; not for a member
    flag,          // whether it is true; nothing when it is missing
    flag_or_false, // whether it is true
    object,        // an object, an empty one for all else; not for a member
};

struct json_path {
    int base = -1; // place in json_mapping::parts, or -1 for the whole object
    std::vector<std::string> members;
};

struct mapped_value {
    std::string column;
    std::string member; // of the column, which is a jsonb then; empty: the column itself
    conversion how = conversion::text;
    std::string argument; // of conversion state
    std::vector<json_path> paths;
};

struct json_mapping {
    std::vector<std::vector<json_path>> parts; // what @names stand for; they look back only
    std::vector<mapped_value> values;          // in the order of the lines
};

// Reads a mapping. Throws 22023, with the number of the line: for an unknown conversion, an @name that
// no line above has, a target that comes twice, or both as a column and with members, and for an
// amount above the currency that says what it counts. 64 KiB at most.
[[nodiscard]] json_mapping read_json_mapping(std::string_view text);

} // namespace saas::core::payments
