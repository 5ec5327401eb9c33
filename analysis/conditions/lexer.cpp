// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/lexer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

constexpr std::array<std::string_view, 8> word_operators{
    "and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith"};
// Longest first.
constexpr std::array<std::string_view, 31> sign_operators{
    "==", "!=", "<=", ">=", "&&", "||", "**", "??", "?.", "..", "(", ")", "[", "]", "{", "}",
    "<",  ">",  "!",  "+",  "-",  "*",  "/",  "%",  "^",  "?",  ":", ".", ",", "#", "|"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Result<std::vector<Token>> run() {
        std::vector<Token> tokens;
        while (true) {
            TRY(skip_blanks());
            if (at_ >= source_.size()) break;
            tokens.push_back(TRY(next()));
        }
        tokens.push_back({TokenKind::End, "", column()});
        return tokens;
    }

private:
    [[nodiscard]] int column() const { return static_cast<int>(at_) + 1; }
    [[nodiscard]] char peek(size_t ahead = 0) const {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }
    [[nodiscard]] bool looking_at(std::string_view text) const {
        return source_.substr(at_).starts_with(text);
    }

    Result<void> skip_blanks() {
        while (at_ < source_.size()) {
            if (std::string_view(" \t\r\n").find(peek()) != std::string_view::npos) {
                ++at_;
            } else if (looking_at("//")) {
                at_ = std::min(source_.find('\n', at_), source_.size());
            } else if (looking_at("/*")) {
                const auto end = source_.find("*/", at_ + 2);
                if (end == std::string_view::npos) return error_at(column(), "unclosed comment");
                at_ = end + 2;
            } else {
                break;
            }
        }
        return {};
    }

    Result<Token> next() {
        const char c = peek();
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
        if (c == '"' || c == '\'') return quoted(c);
        if (c == '`') return raw();
        if (starts_name(c)) return name();
        const int start = column();
        for (const auto sign : sign_operators) {
            if (!looking_at(sign)) continue;
            // "a ? .5 : b" holds no optional chain.
            if (sign == "?." && is_digit(peek(2))) continue;
            at_ += sign.size();
            return Token{TokenKind::Operator, std::string(sign), start};
        }
        return error_at(start,
                        concat("unrecognized character ", std::string_view(&source_[at_], 1)));
    }

    Token name() {
        const int start = column();
        const size_t first = at_;
        while (starts_name(peek()) || is_digit(peek())) ++at_;
        std::string text(source_.substr(first, at_ - first));
        const bool is_word =
            std::find(word_operators.begin(), word_operators.end(), text) != word_operators.end();
        return {is_word ? TokenKind::Operator : TokenKind::Name, std::move(text), start};
    }

    void digits(std::string& into, bool hexadecimal) {
        while (is_digit(peek()) || peek() == '_' ||
               (hexadecimal &&
                std::string_view("abcdefABCDEF").find(peek()) != std::string_view::npos &&
                peek() != '\0')) {
            if (peek() != '_') into += peek();
            ++at_;
        }
    }

    Result<Token> number() {
        Token token{TokenKind::Integer, "", column()};
        if (looking_at("0x") || looking_at("0X")) {
            at_ += 2;
            token.text = "0x";
            digits(token.text, true);
        } else {
            digits(token.text, false);
            // "1..3" is a range.
            if (peek() == '.' && peek(1) != '.') {
                token.kind = TokenKind::Float;
                token.text += '.';
                ++at_;
                digits(token.text, false);
            }
            if (peek() == 'e' || peek() == 'E') {
                token.kind = TokenKind::Float;
                token.text += 'e';
                ++at_;
                if (peek() == '+' || peek() == '-') token.text += source_[at_++];
                digits(token.text, false);
            }
        }
        if (starts_name(peek()))
            return error_at(column(), concat("bad number syntax: \"", token.text, peek(), "\""));
        return token;
    }

    Result<Token> raw() {
        const int start = column();
        const auto end = source_.find('`', at_ + 1);
        if (end == std::string_view::npos) return error_at(start, "literal not terminated");
        Token token{TokenKind::Text, std::string(source_.substr(at_ + 1, end - at_ - 1)), start};
        at_ = end + 1;
        return token;
    }

    Result<Token> quoted(char quote) {
        Token token{TokenKind::Text, "", column()};
        for (++at_; peek() != quote; ++at_) {
            if (at_ >= source_.size() || peek() == '\n')
                return error_at(token.column, "literal not terminated");
            if (peek() != '\\') {
                token.text += peek();
                continue;
            }
            ++at_;
            constexpr std::string_view codes = "abfnrtv\\'\"";
            constexpr std::string_view meant = "\a\b\f\n\r\t\v\\'\"";
            const auto code = codes.find(peek());
            if (code == std::string_view::npos || peek() == '\0')
                return error_at(column(), "unable to unescape string");
            token.text += meant[code];
        }
        ++at_;
        return token;
    }

    std::string_view source_;
    size_t at_ = 0;
};

}  // namespace

Error error_at(int column, std::string_view what) {
    return invalid(concat("column ", column, ": ", what));
}

Result<std::vector<Token>> tokenize(std::string_view source) {
    if (source.size() > longest_condition)
        return invalid(concat("the condition is longer than ", longest_condition, " bytes"));
    return Lexer(source).run();
}

}  // namespace sluice::analysis
