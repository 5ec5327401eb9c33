// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

constexpr std::array<std::string_view, 11> word_operators{
    "and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"};
// Longest first.
constexpr std::array<std::string_view, 34> sign_operators{
    "==", "!=", "<=", ">=", "&&", "||", "**", "??", "?.", "..", "::", "(", ")", "[", "]", "{", "}",
    "<",  ">",  "!",  "+",  "-",  "*",  "/",  "%",  "^",  "?",  ":",  ".", ",", "#", "|", ";", "="};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
// Any letter of any script: what is no ASCII is taken as one.
bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

int digit_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 16;
}

void append_utf8(std::string& text, std::uint32_t code) {
    const auto tail = [&](int shift) {
        text += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
    };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | (code >> 6));
        tail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | (code >> 12));
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0 | (code >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
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
        if ((c == 'b' || c == 'B') && (peek(1) == '"' || peek(1) == '\''))
            return error_at(column(), "literals of bytes are not served");
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

    void digits(std::string& into, int base = 10) {
        while (digit_value(peek()) < base || peek() == '_') {
            if (peek() != '_') into += peek();
            ++at_;
        }
    }

    // 16 of "0x", 8 of "0o", 2 of "0b", else 10.
    [[nodiscard]] int base_here() const {
        if (peek() != '0') return 10;
        switch (peek(1)) {
            case 'x':
            case 'X': return 16;
            case 'o':
            case 'O': return 8;
            case 'b':
            case 'B': return 2;
            default: return 10;
        }
    }

    Result<Token> number() {
        Token token{TokenKind::Integer, "", column()};
        if (const int base = base_here(); base != 10) {
            token.text = {'0', static_cast<char>(peek(1) | 0x20)};
            at_ += 2;
            digits(token.text, base);
        } else {
            digits(token.text);
            // "1..3" is a range.
            if (peek() == '.' && peek(1) != '.') {
                token.kind = TokenKind::Float;
                token.text += '.';
                ++at_;
                digits(token.text);
            }
            if (peek() == 'e' || peek() == 'E') {
                token.kind = TokenKind::Float;
                token.text += 'e';
                ++at_;
                if (peek() == '+' || peek() == '-') token.text += source_[at_++];
                digits(token.text);
            }
        }
        if (starts_name(peek()) || is_digit(peek()))
            return error_at(column(), concat("bad number syntax: \"", token.text, peek(), "\""));
        return token;
    }

    // Two backticks stand for one.
    Result<Token> raw() {
        Token token{TokenKind::Text, "", column()};
        for (++at_;; ++at_) {
            if (at_ >= source_.size()) return error_at(token.column, "literal not terminated");
            if (peek() == '`') {
                ++at_;
                if (peek() != '`') return token;
            }
            token.text += peek();
        }
    }

    Result<Token> quoted(char quote) {
        Token token{TokenKind::Text, "", column()};
        ++at_;
        while (peek() != quote || at_ >= source_.size()) {
            if (at_ >= source_.size() || peek() == '\n')
                return error_at(token.column, "literal not terminated");
            if (peek() == '\\') {
                ++at_;
                TRY(escape(token.text, quote));
            } else {
                token.text += source_[at_++];
            }
        }
        ++at_;
        return token;
    }

    // Behind the backslash.
    Result<void> escape(std::string& text, char quote) {
        constexpr std::string_view codes = "abfnrtv\\";
        constexpr std::string_view meant = "\a\b\f\n\r\t\v\\";
        const int start = column() - 1;
        const char code = peek();
        if (const auto known = codes.find(code); code != '\0' && known != std::string_view::npos) {
            text += meant[known];
            ++at_;
            return {};
        }
        if (code == quote) {
            text += quote;
            ++at_;
            return {};
        }
        if (code >= '0' && code <= '7') return number_escape(text, start, 8, 3, true);
        ++at_;
        if (code == 'x') return number_escape(text, start, 16, 2, true);
        if (code == 'u' && peek() == '{') return braced_escape(text, start);
        if (code == 'u') return number_escape(text, start, 16, 4, false);
        if (code == 'U') return number_escape(text, start, 16, 8, false);
        return error_at(start, "invalid char escape");
    }

    Result<void> number_escape(std::string& text, int start, int base, int count, bool byte) {
        std::uint32_t code = 0;
        for (int i = 0; i < count; ++i, ++at_) {
            if (digit_value(peek()) >= base) return error_at(start, "invalid char escape");
            code = code * static_cast<std::uint32_t>(base) +
                   static_cast<std::uint32_t>(digit_value(peek()));
        }
        return append_code(text, start, code, byte);
    }

    // \u{1F600}
    Result<void> braced_escape(std::string& text, int start) {
        std::uint32_t code = 0;
        int count = 0;
        for (++at_; digit_value(peek()) < 16 && count < 6; ++at_, ++count)
            code = code * 16 + static_cast<std::uint32_t>(digit_value(peek()));
        if (count == 0 || peek() != '}') return error_at(start, "invalid char escape");
        ++at_;
        return append_code(text, start, code, false);
    }

    static Result<void> append_code(std::string& text, int start, std::uint32_t code, bool byte) {
        const bool surrogate = code >= 0xD800 && code < 0xE000;
        if (byte ? code > 0xFF : surrogate || code > 0x10FFFF)
            return error_at(start, "invalid char escape");
        // A byte above ASCII stands for the character of that number, so that texts stay UTF-8.
        append_utf8(text, code);
        return {};
    }

    std::string_view source_;
    size_t at_ = 0;
};

}  // namespace

Error error_at(int column, std::string_view what) {
    return invalid(concat("column ", column, ": ", what));
}

Result<Value> number_value(const Token& token) {
    const std::string_view text = token.text;
    if (token.kind == TokenKind::Float) {
        double number = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (problem != std::errc{} || end != text.data() + text.size())
            return error_at(token.column, concat("invalid float literal: ", text));
        return Value{number};
    }
    const char mark = text.size() > 1 ? text[1] : '\0';
    const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    const auto digits = text.substr(base == 10 ? 0 : 2);
    long number = 0;
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (problem != std::errc{} || end != digits.data() + digits.size())
        return error_at(token.column, concat("invalid integer literal: ", text));
    return Value{number};
}

Result<std::vector<Token>> tokenize(std::string_view source) {
    if (source.size() > longest_condition)
        return invalid(concat("the condition is longer than ", longest_condition, " bytes"));
    return Lexer(source).run();
}

}  // namespace sluice::analysis
