// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::analysis {
namespace jwt {
namespace {

template <auto free>
struct Freed {
    template <class T>
    void operator()(T* pointer) const {
        free(pointer);
    }
};

std::string base64_url(std::string_view bytes) {
    std::string text = base64_encode(bytes);
    while (text.ends_with('=')) text.pop_back();
    for (char& c : text) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return text;
}

Result<std::string> sign(std::string_view text, const std::string& private_key) {
    const std::unique_ptr<BIO, Freed<BIO_free>> memory(
        BIO_new_mem_buf(private_key.data(), static_cast<int>(private_key.size())));
    // A key with a password would make OpenSSL ask the terminal for it.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key(
        PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr));
    if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
        return invalid("the key is not the PEM of a private RSA key");
    const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    size_t size = 0;
    if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1)
        return invalid("the key cannot sign");
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes, text.size()) != 1)
        return invalid("the key cannot sign");
    signature.resize(size);
    return signature;
}

}  // namespace
}  // namespace jwt

Result<std::string> signed_token(const Json& claims, const std::string& private_key) {
    const std::string text = concat(jwt::base64_url(R"({"alg":"RS256","typ":"JWT"})"), ".",
                                    jwt::base64_url(sluice::to_text(claims)));
    return concat(text, ".", jwt::base64_url(TRY(jwt::sign(text, private_key))));
}

}  // namespace sluice::analysis
