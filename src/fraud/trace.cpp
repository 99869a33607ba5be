// SPDX-License-Identifier: PostgreSQL
#include "fraud/trace.hpp"

#include "fraud/json_text.hpp"
#include "fraud/model_answer.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

void append_key(std::string &out, std::string_view key) {
    if (out.back() != '{')
        out += ',';
    append_quoted(out, key);
    out += ':';
}

void append_term(std::string &out, const compiled_rules &compiled, std::uint32_t number) {
    const engine::external_term &term = compiled.rules.terms()[number];
    const engine::value &answer = compiled.memory.term_value(number);
    out += '{';
    append_key(out, "kind");
    append_quoted(out, engine::name_of(term.kind));
    append_key(out, "name");
    append_quoted(out, term.kind == engine::term_kind::history ? term.history.source : term.name);
    if (term.kind == engine::term_kind::history) {
        append_key(out, "seconds");
        out += std::to_string(term.history.window);
    }
    append_key(out, "arguments");
    out += '[';
    for (const engine::value &argument : compiled.memory.term_arguments(number)) {
        if (out.back() != '[')
            out += ',';
        append_value(out, argument);
    }
    out += ']';
    append_key(out, "value");
    append_value(out, answer);
    if (answer.type == engine::value_type::real) {
        append_key(out, "real");
        out += "true";
    }
    out += '}';
}

bool was_asked(const compiled_rules &compiled, std::uint32_t number) {
    return compiled.memory.term_value(number).type != engine::value_type::none;
}

void append_identity(std::string &out, std::string_view id, std::string_view name, bool platform) {
    append_key(out, "id");
    append_quoted(out, id);
    if (!name.empty()) {
        append_key(out, "name");
        append_quoted(out, name);
    }
    if (platform) {
        append_key(out, "scope");
        append_quoted(out, "platform");
    }
}

void append_readings(std::string &out, const compiled_rules &compiled,
                     const engine::rule_info &rule) {
    append_key(out, "attributes");
    out += '{';
    for (std::uint32_t slot : rule.slots) {
        std::string path;
        for (const std::string &step : compiled.rules.slots()[slot].path)
            path += (path.empty() ? "" : ".") + step;
        append_key(out, path);
        append_value(out, compiled.memory.slot_value(slot));
    }
    out += '}';
    if (rule.terms.empty())
        return;
    append_key(out, "terms");
    out += '[';
    for (std::uint32_t number : rule.terms) {
        if (!was_asked(compiled, number))
            continue;
        if (out.back() != '[')
            out += ',';
        append_term(out, compiled, number);
    }
    out += ']';
}

std::string matches_json(const compiled_rules &compiled, const std::vector<std::uint32_t> &hits) {
    std::string out = "[";
    for (std::uint32_t hit : hits) {
        const engine::rule_info &rule = compiled.rules.rules()[hit];
        out += out.size() > 1 ? ",{" : "{";
        append_identity(out, rule.id, rule.name, rule.platform);
        append_key(out, "action");
        append_quoted(out, engine::name_of(rule.head.action));
        if (rule.head.action == engine::action::score) {
            append_key(out, "score");
            out += std::to_string(rule.head.score);
        }
        if (rule.head.action == engine::action::tag) {
            append_key(out, "tag");
            append_quoted(out, rule.head.tag);
        }
        if (!rule.platform)
            append_readings(out, compiled, rule);
        out += '}';
    }
    return out + "]";
}

std::string errors_json(const compiled_rules &compiled, const engine::assessment &result) {
    std::string out = "[";
    auto append = [&](std::string_view id, std::string_view name, bool platform,
                      std::string_view message) {
        out += out.size() > 1 ? ",{" : "{";
        append_identity(out, id, name, platform);
        append_key(out, "message");
        append_quoted(out, message);
        out += '}';
    };
    for (const engine::rule_failure &failed : result.failures) {
        const engine::rule_info &rule = compiled.rules.rules()[failed.rule];
        append(rule.id, rule.name, rule.platform, engine::describe(failed.kind));
    }
    for (const engine::broken_rule &rule : compiled.rules.broken())
        append(rule.id, rule.name, false, rule.message);
    return out + "]";
}

std::string terms_json(const compiled_rules &compiled) {
    std::string out = "[";
    for (std::uint32_t number = 0; number < compiled.rules.terms().size(); ++number) {
        if (number > 0)
            out += ',';
        if (was_asked(compiled, number))
            append_term(out, compiled, number);
        else
            out += "null";
    }
    return out + "]";
}

std::string settings_json(const engine::thresholds &limits) {
    static constexpr const char *k_policies[] = {"ignore", "review", "block"};
    return "{\"review_from\":" + std::to_string(limits.review) +
           ",\"challenge_from\":" + std::to_string(limits.challenge) +
           ",\"block_from\":" + std::to_string(limits.block) + ",\"on_error\":\"" +
           k_policies[static_cast<std::size_t>(limits.failing)] + "\"}";
}

} // namespace

Datum trace_row(FunctionCallInfo fcinfo, const compiled_rules &compiled,
                const engine::thresholds &limits, const engine::assessment &result) {
    const Datum values[8] = {Int32GetDatum(result.score),
                             pg::text_datum(engine::name_of(result.decision)),
                             jsonb_of(matches_json(compiled, result.matched)),
                             jsonb_of(matches_json(compiled, result.shadow)),
                             jsonb_of(errors_json(compiled, result)),
                             pg::text_datum(compiled.rules.version()),
                             jsonb_of(terms_json(compiled)),
                             jsonb_of(settings_json(limits))};
    return pg::call([&] {
        const bool nulls[8] = {};
        return record_unsafe(fcinfo, values, nulls);
    });
}

} // namespace saas::fraud
