// SPDX-License-Identifier: PostgreSQL
// From rules to the flat program.
#include "core/fraud/expression_graph.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/rule_set.hpp"
#include "core/sha256.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace saas::core::fraud {

namespace {
constexpr sqlstate k_program_limit_exceeded{"54000"};
constexpr std::uint32_t k_no_register = 0xFFFFFFFFU;
} // namespace

class rule_compiler {
public:
    void add(const rule_source &source, on_broken broken);
    [[nodiscard]] rule_set finish(std::string version);

private:
    struct entry {
        rule_info info;
        vertex_id condition;
    };

    [[nodiscard]] std::uint32_t emit(vertex_id id);
    void emit_logic(const vertex &v, std::uint32_t dst);
    void emit_operation(const vertex &v, std::uint32_t dst);
    void place_shared();
    void derive_domain();
    std::size_t put(opcode op, std::uint32_t dst, std::uint32_t a, std::uint32_t b);
    [[nodiscard]] std::uint32_t here() const noexcept {
        return static_cast<std::uint32_t>(out_.program_.size());
    }
    [[nodiscard]] std::uint32_t take_scratch() noexcept {
        scratch_high_ = std::max(scratch_high_, scratch_ + 1);
        return scratch_++;
    }

    expression_graph graph_;
    std::vector<entry> entries_;
    rule_set out_;
    std::vector<std::uint32_t> shared_; // register by vertex, or k_no_register
    std::uint32_t scratch_ = 0;
    std::uint32_t scratch_high_ = 0;
};

void rule_compiler::add(const rule_source &source, on_broken broken) {
    try {
        rule_ast ast = parse_rule(source.text);
        vertex_id condition = graph_.add(ast);
        entries_.push_back(
            {{std::string{source.id}, std::string{source.name}, std::move(ast.head)}, condition});
    } catch (const rule_error &e) {
        if (broken == on_broken::refuse)
            throw error{e.state(), e.message(), "Rule " + std::string{source.id} + ".", e.hint()};
        out_.broken_.push_back({std::string{source.id}, std::string{source.name}, e.message()});
    }
}

std::size_t rule_compiler::put(opcode op, std::uint32_t dst, std::uint32_t a, std::uint32_t b) {
    out_.program_.push_back({op, dst, a, b});
    return out_.program_.size() - 1;
}

void rule_compiler::derive_domain() {
    std::size_t domain = graph_.find_slot("email_domain");
    if (domain == graph_.slots.size())
        return;
    std::size_t email = graph_.find_slot("email");
    if (email == graph_.slots.size())
        graph_.slots.push_back({attribute_type::text, {"email"}});
    out_.domain_slots_ = {domain, email};
}

// Every operation with several uses gets a register of its own, which keeps its value.
void rule_compiler::place_shared() {
    auto next = static_cast<std::uint32_t>(graph_.constants.size() + graph_.slots.size());
    shared_.assign(graph_.size(), k_no_register);
    for (vertex_id id = 0; id < graph_.size(); ++id) {
        const vertex &v = graph_.at(id);
        if (v.uses > 1 && !graph_.is_leaf(v)) {
            shared_[id] = next++;
            ++out_.shared_count_;
        }
    }
    scratch_ = next;
    scratch_high_ = next;
}

// Appends the code that computes the vertex and returns the register that will hold it.
std::uint32_t rule_compiler::emit(vertex_id id) {
    const vertex &v = graph_.at(id);
    if (v.op == operation::literal)
        return v.payload;
    if (v.op == operation::attribute)
        return static_cast<std::uint32_t>(graph_.constants.size()) + v.payload;
    bool shared = shared_[id] != k_no_register;
    std::uint32_t dst = shared ? shared_[id] : take_scratch();
    std::uint32_t before = scratch_;
    std::size_t skip = shared ? put(opcode::skip_done, 0, dst, 0) : 0;
    if (v.op == operation::logical_and || v.op == operation::logical_or)
        emit_logic(v, dst);
    else
        emit_operation(v, dst);
    if (shared)
        out_.program_[skip].b = here();
    scratch_ = before;
    return dst;
}

// Children in turn, each leaving as soon as the answer is certain.
void rule_compiler::emit_logic(const vertex &v, std::uint32_t dst) {
    bool conjunction = v.op == operation::logical_and;
    std::vector<std::size_t> exits;
    for (vertex_id child : graph_.children_of(v)) {
        std::uint32_t before = scratch_;
        std::uint32_t operand = emit(child);
        scratch_ = before;
        opcode op = conjunction ? (exits.empty() ? opcode::and_first : opcode::and_next)
                                : (exits.empty() ? opcode::or_first : opcode::or_next);
        exits.push_back(put(op, dst, operand, 0));
    }
    for (std::size_t exit : exits)
        out_.program_[exit].b = here();
}

void rule_compiler::emit_operation(const vertex &v, std::uint32_t dst) {
    static constexpr auto k_opcodes = [] {
        std::array<opcode, 32> table{};
        auto at = [&](operation op) -> opcode & { return table[static_cast<std::size_t>(op)]; };
        at(operation::negate) = opcode::negate;
        at(operation::add) = opcode::add;
        at(operation::subtract) = opcode::subtract;
        at(operation::multiply) = opcode::multiply;
        at(operation::divide) = opcode::divide;
        at(operation::modulo) = opcode::modulo;
        at(operation::equal) = opcode::equal;
        at(operation::not_equal) = opcode::not_equal;
        at(operation::less) = opcode::less;
        at(operation::less_equal) = opcode::less_equal;
        at(operation::like) = opcode::like;
        at(operation::includes) = opcode::includes;
        at(operation::in_set) = opcode::in_set;
        at(operation::logical_not) = opcode::logical_not;
        at(operation::is_missing) = opcode::is_missing;
        at(operation::to_boolean) = opcode::to_boolean;
        at(operation::to_number) = opcode::to_number;
        at(operation::lower) = opcode::lower;
        at(operation::email_domain) = opcode::email_domain;
        return table;
    }();
    auto children = graph_.children_of(v);
    std::uint32_t a = emit(children[0]);
    std::uint32_t b = v.op == operation::in_set ? v.payload
                      : children.size() > 1     ? emit(children[1])
                                                : 0;
    put(k_opcodes[static_cast<std::size_t>(v.op)], dst, a, b);
}

rule_set rule_compiler::finish(std::string version) {
    out_.version_ = std::move(version);
    std::sort(entries_.begin(), entries_.end(), [](const entry &x, const entry &y) {
        const rule_info &a = x.info;
        const rule_info &b = y.info;
        return std::tuple{a.head.priority, a.head.action, a.id.size(), std::string_view{a.id}} <
               std::tuple{b.head.priority, b.head.action, b.id.size(), std::string_view{b.id}};
    });
    derive_domain();
    place_shared();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        std::uint32_t before = scratch_;
        std::uint32_t condition = emit(entries_[i].condition);
        scratch_ = before;
        put(opcode::conclude, 0, condition, static_cast<std::uint32_t>(i));
        out_.rules_.push_back(std::move(entries_[i].info));
    }
    out_.register_count_ = scratch_high_;
    out_.constants_ = std::move(graph_.constants);
    out_.slots_ = std::move(graph_.slots);
    out_.sets_ = std::move(graph_.sets);
    out_.texts_ = std::move(graph_.texts);
    return std::move(out_);
}

namespace {

// Lengths before contents, so that no two lists of rules have the same bytes.
std::string version_of(std::span<const rule_source> rules) {
    std::string bytes;
    auto append = [&](std::string_view words) {
        bytes.append(std::to_string(words.size())).append(":").append(words);
    };
    for (const rule_source &rule : rules) {
        append(rule.id);
        append(rule.text);
    }
    return to_hex(sha256(bytes_of(bytes))).substr(0, 32);
}

} // namespace

rule_set compile(std::span<const rule_source> rules, on_broken broken, cancel_poll poll) {
    std::size_t length = 0;
    for (const rule_source &rule : rules)
        length += rule.text.size();
    if (rules.size() > k_max_rules || length > k_max_rule_set_length)
        throw error{k_program_limit_exceeded, "too many fraud rules",
                    "A set holds up to 10000 rules of 16 MiB together."};
    rule_compiler compiler;
    for (const rule_source &rule : rules) {
        poll.step();
        compiler.add(rule, broken);
    }
    return compiler.finish(version_of(rules));
}

validation validate(std::string_view rule) {
    validation out;
    try {
        rule_ast ast = parse_rule(rule);
        expression_graph graph;
        const vertex &condition = graph.at(graph.add(ast));
        out.valid = true;
        out.warnings = std::move(ast.warnings);
        if (condition.op == operation::literal) {
            bool truth = graph.constant(condition).is_true();
            std::size_t offset = ast.nodes[ast.root].offset;
            out.warnings.push_back(
                {character_position(rule, offset),
                 truth ? "the condition is always true" : "the condition is never true"});
        }
    } catch (const rule_error &e) {
        out.message = e.problem();
        out.position = e.position();
        out.hint = e.hint();
    }
    return out;
}

} // namespace saas::core::fraud
