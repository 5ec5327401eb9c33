// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/parser.hpp"

#include <algorithm>
#include <array>

#include "analysis/conditions/lexer.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

struct BinaryOperator {
    std::string_view sign;
    int precedence;
    bool right_associative = false;
};

constexpr std::array<BinaryOperator, 24> binary_operators{
    {{"|", 0},         {"or", 10}, {"||", 10},        {"and", 15},      {"&&", 15},
     {"==", 20},       {"!=", 20}, {"<", 20},         {">", 20},        {">=", 20},
     {"<=", 20},       {"in", 20}, {"matches", 20},   {"contains", 20}, {"startsWith", 20},
     {"endsWith", 20}, {"..", 25}, {"+", 30},         {"-", 30},        {"*", 60},
     {"/", 60},        {"%", 60},  {"**", 100, true}, {"^", 100, true}}};
constexpr int coalesce_precedence = 500;

constexpr std::array<std::string_view, 15> predicate_functions{
    "all",  "any",       "none",     "one",           "filter",  "map",    "count", "sum",
    "find", "findIndex", "findLast", "findLastIndex", "groupBy", "sortBy", "reduce"};

std::optional<BinaryOperator> binary_operator(std::string_view sign) {
    if (sign == "??") return BinaryOperator{"??", coalesce_precedence};
    for (const auto& op : binary_operators)
        if (op.sign == sign) return op;
    return std::nullopt;
}

std::optional<int> unary_precedence(std::string_view sign) {
    if (sign == "not" || sign == "!") return 50;
    if (sign == "-" || sign == "+") return 90;
    return std::nullopt;
}

bool is_comparison(std::string_view sign) {
    return sign == "<" || sign == ">" || sign == "<=" || sign == ">=";
}

// x not in y, x not contains y, ….
bool takes_not(std::string_view sign) {
    return sign == "in" || sign == "matches" || sign == "contains" || sign == "startsWith" ||
           sign == "endsWith";
}

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<Tree> run() {
        if (current().kind == TokenKind::End) return error_at(1, "unexpected token EOF");
        tree_.root = TRY(sequence());
        if (current().kind != TokenKind::End) return unexpected();
        return std::move(tree_);
    }

private:
    [[nodiscard]] const Token& current() const { return tokens_[at_]; }
    [[nodiscard]] const Token& following() const {
        return tokens_[std::min(at_ + 1, tokens_.size() - 1)];
    }
    [[nodiscard]] bool at_operator(std::string_view sign) const {
        return current().kind == TokenKind::Operator && current().text == sign;
    }
    void advance() {
        if (at_ + 1 < tokens_.size()) ++at_;
    }
    bool eat(std::string_view sign) {
        if (!at_operator(sign)) return false;
        advance();
        return true;
    }
    [[nodiscard]] Error unexpected() const { return unexpected(current()); }
    [[nodiscard]] static Error unexpected(const Token& token) {
        if (token.kind == TokenKind::End) return error_at(token.column, "unexpected token EOF");
        return error_at(token.column, concat("unexpected token \"", token.text, "\""));
    }
    Result<void> expect(std::string_view sign) {
        if (!eat(sign)) return unexpected();
        return {};
    }

    Result<int> add(Node node) {
        for (const int child : node.children)
            if (child >= 0) node.depth = std::max(node.depth, tree_.nodes[size_t(child)].depth + 1);
        if (node.depth > deepest_condition)
            return error_at(node.column, concat("nested deeper than ", deepest_condition));
        tree_.nodes.push_back(std::move(node));
        return static_cast<int>(tree_.nodes.size()) - 1;
    }

    // a; b; c, with or without a ";" at the end.
    Result<int> sequence() {
        Node node{NodeKind::Sequence, current().column};
        node.children.push_back(TRY(expression(0)));
        while (eat(";")) {
            if (current().kind == TokenKind::End || at_operator("}") || at_operator(")")) break;
            node.children.push_back(TRY(expression(0)));
        }
        return node.children.size() == 1 ? Result<int>(node.children[0]) : add(std::move(node));
    }

    // let x = value; what it is known in
    Result<int> let() {
        advance();
        const Token name = current();
        if (name.kind != TokenKind::Name) return unexpected();
        advance();
        TRY(expect("="));
        const int value = TRY(expression(0));
        TRY(expect(";"));
        const int body = TRY(sequence());
        return add({NodeKind::Let, name.column, name.text, {}, {value, body}});
    }

    // if a { b } else if c { d } else { e }
    Result<int> choice(const Token& word) {
        if (++open_ > deepest_condition)
            return error_at(word.column, concat("nested deeper than ", deepest_condition));
        advance();
        const int condition = TRY(expression(0));
        TRY(expect("{"));
        const int yes = TRY(sequence());
        TRY(expect("}"));
        TRY(expect("else"));
        int no = -1;
        if (at_operator("if")) {
            no = TRY(choice(Token(current())));
        } else {
            TRY(expect("{"));
            no = TRY(sequence());
            TRY(expect("}"));
        }
        --open_;
        return add({NodeKind::Ternary, word.column, "if", {}, {condition, yes, no}});
    }

    Result<int> expression(int precedence) {
        if (++open_ > deepest_condition)
            return error_at(current().column, concat("nested deeper than ", deepest_condition));
        const Token first = current();
        if (precedence == 0 && (at_operator("let") || at_operator("if"))) {
            const int whole = TRY(first.text == "let" ? let() : choice(first));
            --open_;
            return whole;
        }
        int left = TRY(primary());
        std::string_view before;  // the operator of the last turn
        while (current().kind == TokenKind::Operator) {
            const bool negated = at_operator("not") && binary_operator(following().text) &&
                                 following().kind == TokenKind::Operator;
            const Token sign = negated ? following() : current();
            const auto op = binary_operator(sign.text);
            if (!op || op->precedence < precedence) break;
            if (negated && !takes_not(sign.text)) return unexpected(sign);
            if (before == "??" && sign.text != "??" && sign.text != "|")
                return error_at(sign.column,
                                concat("operator (", sign.text, ") and coalesce expressions (?",
                                       "?) cannot be mixed: wrap "
                                       "either by parentheses"));
            before = op->sign;
            if (negated) advance();
            advance();
            left = TRY(binary(left, sign, *op));
            if (negated) left = TRY(add({NodeKind::Unary, sign.column, "not", {}, {left}}));
        }
        if (precedence == 0) left = TRY(conditional(left));
        --open_;
        return left;
    }

    Result<int> binary(int left, const Token& sign, const BinaryOperator& op) {
        if (sign.text == "|") return pipe(left);
        if (is_comparison(sign.text)) return comparison(left, sign);
        const int right = TRY(expression(op.right_associative ? op.precedence : op.precedence + 1));
        return add({NodeKind::Binary, sign.column, sign.text, {}, {left, right}});
    }

    // a < b < c means a < b && b < c.
    Result<int> comparison(int left, Token sign) {
        int right = TRY(expression(21));
        int whole = TRY(add({NodeKind::Binary, sign.column, sign.text, {}, {left, right}}));
        while (current().kind == TokenKind::Operator && is_comparison(current().text)) {
            sign = current();
            advance();
            left = right;
            right = TRY(expression(21));
            const int next =
                TRY(add({NodeKind::Binary, sign.column, sign.text, {}, {left, right}}));
            whole = TRY(add({NodeKind::Binary, sign.column, "&&", {}, {whole, next}}));
        }
        return whole;
    }

    Result<int> pipe(int first) {
        const Token name = current();
        if (name.kind != TokenKind::Name) return unexpected();
        advance();
        return postfix(TRY(call(name, {first})));
    }

    Result<int> conditional(int condition) {
        const int column = current().column;
        if (!eat("?")) return condition;
        // "a ?: b" is a, or b where a is false.
        const int yes = at_operator(":") ? condition : TRY(expression(0));
        TRY(expect(":"));
        const int no = TRY(expression(0));
        return conditional(TRY(add({NodeKind::Ternary, column, "?:", {}, {condition, yes, no}})));
    }

    Result<int> primary() {
        const Token token = current();
        if (token.kind == TokenKind::Operator) {
            if (const auto precedence = unary_precedence(token.text)) {
                advance();
                const int operand = TRY(expression(*precedence));
                return postfix(
                    TRY(add({NodeKind::Unary, token.column, token.text, {}, {operand}})));
            }
            if (eat("(")) {
                const int inner = TRY(sequence());
                TRY(expect(")"));
                return postfix(inner);
            }
            if (in_predicate_ > 0 && (token.text == "#" || token.text == "."))
                return postfix(TRY(pointer(token)));
            if (eat("::")) {
                const Token function = current();
                if (function.kind != TokenKind::Name) return unexpected();
                advance();
                return postfix(TRY(call(function, {})));
            }
            if (eat("[")) return postfix(TRY(list(token.column)));
            if (eat("{")) return postfix(TRY(map(token.column)));
            return unexpected();
        }
        if (token.kind == TokenKind::End) return unexpected();
        advance();
        if (token.kind == TokenKind::Name) return postfix(TRY(name(token)));
        return postfix(TRY(literal(token)));
    }

    // # is the item, #index its place and #acc what reduce has so far; .field is #.field.
    Result<int> pointer(const Token& token) {
        std::string name;
        if (token.text == "#") {
            advance();
            // A name that touches the sign.
            if (current().kind == TokenKind::Name && current().column == token.column + 1) {
                name = current().text;
                advance();
            }
        }
        if (!name.empty() && name != "index" && name != "acc")
            return error_at(token.column, concat("unknown pointer #", name));
        return add({NodeKind::Current, token.column, std::move(name)});
    }

    Result<int> name(const Token& token) {
        if (at_operator("(")) return call(token, {});
        if (token.text == "true") return add_literal(token, Value{true});
        if (token.text == "false") return add_literal(token, Value{false});
        if (token.text == "nil") return add_literal(token, Value{});
        return add({NodeKind::Name, token.column, token.text});
    }

    Result<int> add_literal(const Token& token, Value value) {
        return add({NodeKind::Literal, token.column, token.text, std::move(value)});
    }

    Result<int> literal(const Token& token) {
        if (token.kind == TokenKind::Text) return add_literal(token, Value{token.text});
        return add_literal(token, TRY(number_value(token)));
    }

    Result<int> list(int column) {
        Node node{NodeKind::ListOf, column};
        while (!at_operator("]")) {
            node.children.push_back(TRY(expression(0)));
            if (!eat(",")) break;
        }
        TRY(expect("]"));
        return add(std::move(node));
    }

    Result<int> map(int column) {
        Node node{NodeKind::MapOf, column};
        while (!at_operator("}")) {
            const Token key = current();
            if (at_operator("(")) {
                node.children.push_back(TRY(expression(0)));
            } else {
                if (key.kind == TokenKind::Operator || key.kind == TokenKind::End)
                    return unexpected();
                advance();
                node.children.push_back(TRY(add_literal(key, Value{key.text})));
            }
            TRY(expect(":"));
            node.children.push_back(TRY(expression(0)));
            if (!eat(",")) break;
        }
        TRY(expect("}"));
        return add(std::move(node));
    }

    // `first` holds the argument that a pipe gives.
    Result<int> call(const Token& name, std::vector<int> first) {
        Node node{NodeKind::Call, name.column, name.text, {}, std::move(first)};
        TRY(expect("("));
        while (!at_operator(")")) {
            const bool predicate = takes_predicate(name.text) && node.children.size() == 1;
            node.children.push_back(TRY(predicate ? this->predicate() : expression(0)));
            if (!eat(",")) break;
        }
        TRY(expect(")"));
        return add(std::move(node));
    }

    Result<int> predicate() {
        const bool braced = eat("{");
        ++in_predicate_;
        const int body = TRY(braced ? sequence() : expression(0));
        --in_predicate_;
        if (braced) TRY(expect("}"));
        return body;
    }

    Result<int> postfix(int node) {
        bool nil_safe = false;
        while (current().kind == TokenKind::Operator) {
            const Token sign = current();
            if (sign.text == "." || sign.text == "?.") {
                advance();
                nil_safe = nil_safe || sign.text == "?.";
                if (sign.text == "?." && at_operator("[")) continue;
                const Token property = current();
                // Words such as `in` and `not` are fields too where they follow a dot.
                const bool word =
                    property.kind == TokenKind::Name ||
                    (property.kind == TokenKind::Operator && property.text.size() > 1 &&
                     property.text[0] >= 'a' && property.text[0] <= 'z');
                if (!word) return unexpected();
                advance();
                const int key = TRY(add_literal(property, Value{property.text}));
                node =
                    TRY(add({NodeKind::Member, property.column, ".", {}, {node, key}, nil_safe}));
            } else if (sign.text == "[") {
                advance();
                node = TRY(index_or_slice(node, sign.column, nil_safe));
            } else {
                break;
            }
        }
        return node;
    }

    Result<int> index_or_slice(int node, int column, bool nil_safe) {
        int from = -1;
        if (!at_operator(":")) from = TRY(expression(0));
        if (from >= 0 && eat("]"))
            return add({NodeKind::Member, column, "[", {}, {node, from}, nil_safe});
        TRY(expect(":"));
        int to = -1;
        if (!at_operator("]")) to = TRY(expression(0));
        TRY(expect("]"));
        return add({NodeKind::Slice, column, "[:]", {}, {node, from, to}, nil_safe});
    }

    std::vector<Token> tokens_;
    size_t at_ = 0;
    int open_ = 0;          // expressions being parsed
    int in_predicate_ = 0;  // predicates around the current token
    Tree tree_;
};

}  // namespace

bool takes_predicate(std::string_view function) {
    return std::find(predicate_functions.begin(), predicate_functions.end(), function) !=
           predicate_functions.end();
}

Result<Tree> parse_condition(std::string_view source) {
    return Parser(TRY(tokenize(source))).run();
}

}  // namespace sluice::analysis
