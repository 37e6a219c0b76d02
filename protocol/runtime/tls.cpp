#include "protocol/runtime/tls.hpp"

#include <cstdio>
#include <stdexcept>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace assent {
namespace {

namespace ssl = boost::asio::ssl;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>>;

std::string openssl_says() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason ? " (" + std::string(reason) + ")" : "";
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw std::runtime_error(file + ": " + what);
}

void check_readable(const std::string& file) {
  std::FILE* const opened = std::fopen(file.c_str(), "re");
  if (!opened)
    refuse(file, "the file cannot be read; check the path, and that this process's user may");
  std::fclose(opened);
}

Certificate first_certificate(const std::string& file) {
  check_readable(file);
  std::FILE* const opened = std::fopen(file.c_str(), "re");
  Certificate certificate;
  if (opened) {
    certificate.reset(PEM_read_X509(opened, nullptr, nullptr, nullptr));
    std::fclose(opened);
  }
  if (!certificate)
    refuse(file, "holds no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----" +
                     openssl_says());
  return certificate;
}

void check_validity(const std::string& file, const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0)
    refuse(file, "the certificate has expired; renew it");
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0)
    refuse(file, "the certificate is not valid yet; check this machine's clock");
}

// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

TlsContext new_context(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* const raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  // Every connection shows its certificate anew: none outlives a reload by a resumed session.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  return context;
}

void use_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  check_validity(certificate, *first_certificate(certificate));
  check_readable(key);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    refuse(certificate, "the certificate cannot be used" + openssl_says());
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    refuse(key,
           "the private key cannot be used: it must be in PEM, without a passphrase, and "
           "belong to " +
               certificate + openssl_says());
}

void trust(SSL_CTX* context, const std::string& ca) {
  check_validity(ca, *first_certificate(ca));
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca.c_str()) != 1)
    refuse(ca, "the certificate authorities cannot be read" + openssl_says());
}

void add_name(std::vector<std::string>& names, const ASN1_STRING* text) {
  const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  const std::string name(bytes, static_cast<std::size_t>(ASN1_STRING_length(text)));
  // A name with a zero inside is a trick: other readers would stop there.
  if (!name.empty() && name.find('\0') == std::string::npos) names.push_back(name);
}

}  // namespace

TlsContext make_server_context(const TlsServerFiles& files) {
  auto context = new_context(ssl::context::tls_server);
  SSL_CTX* const raw = context->native_handle();
  use_certificate(raw, files.certificate, files.key);
  if (!files.client_ca.empty()) {
    trust(raw, files.client_ca);
    SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files.client_ca.c_str()));
    // One that is shown must be good; who shows none needs a token.
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

std::chrono::seconds certificate_expires_in(const std::string& file) {
  int days = 0;
  int seconds = 0;
  const Certificate certificate = first_certificate(file);
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
    refuse(file, "the certificate does not say until when it is valid");
  return std::chrono::hours(24) * days + std::chrono::seconds(seconds);
}

TlsContext make_client_context(const TlsClientFiles& files) {
  auto context = new_context(ssl::context::tls_client);
  SSL_CTX* const raw = context->native_handle();
  if (files.ca.empty())
    SSL_CTX_set_default_verify_paths(raw);
  else
    trust(raw, files.ca);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (!files.certificate.empty()) use_certificate(raw, files.certificate, files.key);
  return context;
}

void expect_server(ssl_st* connection, const std::string& host) {
  boost::system::error_code not_numeric;
  boost::asio::ip::make_address(host, not_numeric);
  bool done = true;
  if (not_numeric) {
    done = SSL_set_tlsext_host_name(connection, host.c_str()) == 1 &&
           SSL_set1_host(connection, host.c_str()) == 1;
    SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  } else {
    done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str()) == 1;
  }
  if (!done) throw std::runtime_error("OpenSSL cannot check for the name " + host);
}

std::string unaccepted_certificate(ssl_st* connection) {
  const long result = SSL_get_verify_result(connection);
  if (result == X509_V_OK) return {};
  return "the server's certificate is not accepted: " +
         std::string(X509_verify_cert_error_string(result));
}

std::shared_ptr<const PeerCertificate> peer_certificate(ssl_st* connection) {
  const X509* const certificate = SSL_get0_peer_certificate(connection);
  if (!certificate || SSL_get_verify_result(connection) != X509_V_OK) return nullptr;
  auto peer = std::make_shared<PeerCertificate>();
  const GeneralNames alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add_name(peer->names, name->d.dNSName);
    if (name->type == GEN_URI) add_name(peer->names, name->d.uniformResourceIdentifier);
  }
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    add_name(peer->names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return peer;
}

}  // namespace assent
