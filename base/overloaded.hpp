// SPDX-License-Identifier: Apache-2.0
// match(variant, lambdas…): a visitor that leaves the compiler to say which alternative is missing.
#pragma once

#include <utility>
#include <variant>

namespace sluice {

template <class... Lambdas>
struct Overloaded : Lambdas... {
    using Lambdas::operator()...;
};
template <class... Lambdas>
Overloaded(Lambdas...) -> Overloaded<Lambdas...>;

template <class Variant, class... Lambdas>
decltype(auto) match(Variant&& variant, Lambdas&&... lambdas) {
    return std::visit(Overloaded{std::forward<Lambdas>(lambdas)...},
                      std::forward<Variant>(variant));
}

}  // namespace sluice
