// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/evaluator.hpp"

#include "core/fraud/likeness.hpp"
#include "core/fraud/network.hpp"

#include <algorithm>
#include <charconv>

namespace saas::core::fraud {
namespace {

// A value of a type that the slot does not hold is a failure.
value conform(attribute_type type, const value &given) noexcept {
    if (given.type == value_type::missing || given.type == value_type::failure)
        return given;
    bool fits = false;
    switch (type) {
    case attribute_type::boolean:
        fits = given.type == value_type::boolean;
        break;
    case attribute_type::number:
        fits = given.is_number();
        break;
    case attribute_type::text:
    case attribute_type::word:
    case attribute_type::code:
        fits = given.type == value_type::text;
        break;
    case attribute_type::metadata:
        fits = given.type != value_type::none;
        break;
    }
    return fits ? given : value::failed(failure_kind::type_mismatch);
}

} // namespace

std::string_view name_of(decision what) noexcept {
    switch (what) {
    case decision::approve:
        return "approve";
    case decision::review:
        return "review";
    case decision::challenge:
        return "challenge";
    case decision::block:
        return "block";
    }
    return "";
}

evaluator::evaluator(const rule_set &rules) : rules_{&rules}, registers_(rules.register_count()) {
    std::copy(rules.constants().begin(), rules.constants().end(), registers_.begin());
    result_.matched.reserve(rules.rules().size());
    result_.shadow.reserve(rules.rules().size());
    result_.failures.reserve(rules.rules().size());
    clear();
}

void evaluator::clear() noexcept {
    std::fill_n(registers_.begin() + static_cast<std::ptrdiff_t>(rules_->constants().size()),
                rules_->slots().size(), value::missing());
    slot_arena_.reset();
}

void evaluator::set(std::size_t slot, const value &given) {
    attribute_type type = rules_->slots()[slot].type;
    value kept = conform(type, given);
    if (type == attribute_type::code)
        kept = upper(kept, slot_arena_);
    else if (type == attribute_type::word)
        kept = lower(kept, slot_arena_);
    slot_register(slot) = kept;
}

const assessment &evaluator::run(const thresholds &limits, const circumstances &around) {
    around_ = around;
    result_.matched.clear();
    result_.shadow.clear();
    result_.failures.clear();
    arena_.reset();
    auto shared = registers_.begin() +
                  static_cast<std::ptrdiff_t>(rules_->constants().size() + rules_->slots().size());
    std::fill_n(shared, rules_->shared_count(), value{});
    bool derived = derive_domain();
    execute();
    if (derived) // the text is gone with the arena; the next payment may come without clear()
        slot_register(rules_->domain_slots().first) = value::missing();
    decide(limits);
    return result_;
}

// Takes the domain from the address when it was not supplied. False when there is nothing to take.
bool evaluator::derive_domain() {
    auto [domain, email] = rules_->domain_slots();
    if (domain == email || slot_register(domain).type != value_type::missing)
        return false;
    slot_register(domain) = email_domain(slot_register(email), arena_);
    return true;
}

void evaluator::conclude(const value &condition, std::uint32_t rule) {
    if (condition.is_true()) {
        bool shadow = rules_->rules()[rule].head.shadow;
        (shadow ? result_.shadow : result_.matched).push_back(rule);
    } else if (condition.type == value_type::failure) {
        result_.failures.push_back({rule, condition.kind()});
    }
}

// A value is in the sample or out of it for good: the same for every payment with that value. Missing is out.
value evaluator::is_sampled(const value &a, const sample &share) const noexcept {
    std::uint64_t hash = share.salt;
    auto take = [&](std::string_view bytes) {
        for (char c : bytes)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    };
    char digits[32];
    switch (a.type) {
    case value_type::missing:
        return value::of(false);
    case value_type::failure:
        return a;
    case value_type::text:
        take(a.view());
        break;
    case value_type::real:
        take({digits, static_cast<std::size_t>(
                          std::to_chars(digits, digits + sizeof(digits), a.real).ptr - digits)});
        break;
    default:
        take({digits, static_cast<std::size_t>(
                          std::to_chars(digits, digits + sizeof(digits), a.integer).ptr - digits)});
    }
    // FNV's low bits are the better ones; the finaliser of MurmurHash3 (A. Appleby) spreads them.
    hash = (hash ^ (hash >> 33U)) * 0xFF51AFD7ED558CCDU;
    hash = (hash ^ (hash >> 33U)) * 0xC4CEB9FE1A85EC53U;
    hash ^= hash >> 33U;
    return value::of(hash < share.limit || share.limit == ~std::uint64_t{0});
}

value evaluator::resolve(std::uint32_t number) {
    const external_term &term = rules_->terms()[number];
    std::span<const value> arguments{registers_.data() + rules_->place_of(number).arguments,
                                     term.argument_count};
    bool history = term.kind == term_kind::history;
    bool missing = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].type == value_type::failure)
            return arguments[i];
        bool needed = !history || i < term.history.key_count;
        missing = missing || (needed && arguments[i].type == value_type::missing);
    }
    if (missing)
        return value::missing();
    if (term.kind <= term_kind::weekday && term.name == "UTC")
        return term.kind == term_kind::hour ? utc_hour(arguments[0].integer)
                                            : utc_weekday(arguments[0].integer);
    if (around_.terms == nullptr)
        return value::failed(failure_kind::unavailable);
    return around_.terms->resolve(number, term, arguments, around_.now);
}

// The time is the product of both lengths, and a set may have thousands of patterns.
value evaluator::match_pattern(const value &words, const value &pattern) const {
    constexpr std::uint32_t k_long = 4'096;
    if (words.type == value_type::text && words.length > k_long &&
        around_.stop_requested != nullptr && around_.stop_requested())
        throw cancelled{};
    return like(words, pattern);
}

// The rarer instructions.
void evaluator::execute_function(const instruction &i) {
    value *r = registers_.data();
    switch (i.op) {
    // clang-format off
    case opcode::normalize_email: r[i.dst] = normalize_email(r[i.a], arena_); break;
    case opcode::similarity: r[i.dst] = similarity(r[i.a], r[i.b]); break;
    case opcode::token_set: r[i.dst] = token_set(r[i.a], r[i.b]); break;
    case opcode::cidr_match: r[i.dst] = cidr_match(r[i.a], r[i.b]); break;
    case opcode::luhn: r[i.dst] = luhn(r[i.a]); break;
    case opcode::age: r[i.dst] = age_in_days(r[i.a], around_.now); break;
    case opcode::distance_km:
        r[i.dst] = distance_km(r[i.a], r[i.a + 1], r[i.a + 2], r[i.a + 3]); break;
    case opcode::to_moment: r[i.dst] = to_moment(r[i.a]); break;
    case opcode::now: r[i.dst] = value::of(around_.now); break;
    case opcode::is_hit: r[i.dst] = value::of(r[i.a].is_true()); break;
    case opcode::before: r[i.dst] = value::of(around_.now < r[i.a].integer); break;
    case opcode::sampled: r[i.dst] = is_sampled(r[i.a], rules_->sample(i.b)); break;
    case opcode::term: r[i.dst] = resolve(i.a); break;
    // clang-format on
    default:
        break;
    }
}

// One pass over the program. A register that a jump passes over is never read before it is written.
void evaluator::execute() {
    std::span<const instruction> program = rules_->program();
    value *r = registers_.data();
    auto binary = [r](const instruction &i, auto operate) { r[i.dst] = operate(r[i.a], r[i.b]); };
    auto unary = [r](const instruction &i, auto operate) { r[i.dst] = operate(r[i.a]); };
    std::size_t at = 0;
    auto leave_if = [&](bool certain, const instruction &i) { at = certain ? i.b : at; };
    while (at < program.size()) {
        const instruction &i = program[at++];
        switch (i.op) {
        // clang-format off
        case opcode::equal: binary(i, equal); break;
        case opcode::not_equal: r[i.dst] = logical_not(equal(r[i.a], r[i.b])); break;
        case opcode::less: binary(i, less); break;
        case opcode::less_equal: binary(i, less_equal); break;
        case opcode::conclude: if (!r[i.a].is_false()) conclude(r[i.a], i.b); break;
        case opcode::and_first: r[i.dst] = r[i.a]; leave_if(r[i.dst].is_false(), i); break;
        case opcode::and_next: binary({i.op, i.dst, i.dst, i.a}, logical_and);
            leave_if(r[i.dst].is_false(), i); break;
        case opcode::or_first: r[i.dst] = r[i.a]; leave_if(r[i.dst].is_true(), i); break;
        case opcode::or_next: binary({i.op, i.dst, i.dst, i.a}, logical_or);
            leave_if(r[i.dst].is_true(), i); break;
        case opcode::skip_done: leave_if(r[i.a].type != value_type::none, i); break;
        case opcode::logical_not: unary(i, logical_not); break;
        case opcode::is_missing: unary(i, is_missing); break;
        case opcode::to_boolean: unary(i, to_boolean); break;
        case opcode::to_number: unary(i, to_number); break;
        case opcode::in_set: r[i.dst] = in_set(r[i.a], rules_->set(i.b)); break;
        case opcode::like: r[i.dst] = match_pattern(r[i.a], r[i.b]); break;
        case opcode::includes: binary(i, includes); break;
        case opcode::lower: r[i.dst] = lower(r[i.a], arena_); break;
        case opcode::email_domain: r[i.dst] = email_domain(r[i.a], arena_); break;
        case opcode::add: binary(i, add); break;
        case opcode::subtract: binary(i, subtract); break;
        case opcode::multiply: binary(i, multiply); break;
        case opcode::divide: binary(i, divide); break;
        case opcode::modulo: binary(i, modulo); break;
        case opcode::negate: unary(i, negate); break;
        case opcode::copy: r[i.dst] = r[i.a]; break;
        case opcode::skip_known: leave_if(r[i.a].type != value_type::missing, i); break;
        default: execute_function(i); break;
            // clang-format on
        }
    }
}

// A rule that does not parse may have been a live one.
bool evaluator::live_rule_failed() const noexcept {
    return !rules_->broken().empty() ||
           std::any_of(result_.failures.begin(), result_.failures.end(), [this](const auto &failed) {
               return !rules_->rules()[failed.rule].head.shadow;
           });
}

// ALLOW and BLOCK are final: the first of them in the order of the rules decides, so without
// priorities ALLOW overrides everything. Otherwise the gravest of what the rules and the score ask for:
// a rule that wants a review does not shield a payment whose score says block.
void evaluator::decide(const thresholds &limits) noexcept {
    std::int64_t sum = 0;
    decision asked = decision::approve;
    const rule_head *final_rule = nullptr;
    for (std::uint32_t rule : result_.matched) {
        const rule_head &head = rules_->rules()[rule].head;
        sum += head.score;
        if (head.action == action::challenge)
            asked = decision::challenge;
        else if (head.action == action::review)
            asked = std::max(asked, decision::review);
        if (final_rule == nullptr && head.action <= action::block)
            final_rule = &head;
    }
    result_.score = static_cast<int>(std::clamp<std::int64_t>(sum, 0, 100));
    if (final_rule != nullptr) {
        result_.decision =
            final_rule->action == action::allow ? decision::approve : decision::block;
        return;
    }
    if (result_.score >= limits.block)
        asked = decision::block;
    if (result_.score >= limits.challenge)
        asked = std::max(asked, decision::challenge);
    if (result_.score >= limits.review)
        asked = std::max(asked, decision::review);
    if (limits.failing != on_error::ignore && live_rule_failed())
        asked = std::max(asked, limits.failing == on_error::block ? decision::block : decision::review);
    result_.decision = asked;
}

assessment evaluate(const rule_set &rules, attribute_values values, const thresholds &limits,
                    const circumstances &around) {
    evaluator memory{rules};
    for (std::size_t i = 0; i < values.size() && i < rules.slots().size(); ++i)
        memory.set(i, values[i]);
    return memory.run(limits, around);
}

} // namespace saas::core::fraud
