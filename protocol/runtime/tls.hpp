// TLS as daemons and clients need it: TLS 1.2 or later, OpenSSL's own choice of ciphers, files in
// PEM. What is wrong with a file is said together with what to do about it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}
struct ssl_st;

namespace assent {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

struct TlsServerFiles {
  std::string certificate;  // with the chain up to the CA that clients know
  std::string key;          // without a passphrase
  std::string client_ca;    // empty: clients are not asked for a certificate
};

// Each throws std::runtime_error where a file cannot be used, or a certificate is not valid now.
TlsContext make_server_context(const TlsServerFiles& files);

// Until the first certificate in the file expires; below zero, since it has.
std::chrono::seconds certificate_expires_in(const std::string& file);

struct TlsClientFiles {
  std::string ca;           // empty: the certificate authorities this machine trusts
  std::string certificate;  // empty: the client does not show one
  std::string key;
};
TlsContext make_client_context(const TlsClientFiles& files);

// For the client's side, before the handshake: the server must have proved that it is this host, a
// name or an address.
void expect_server(ssl_st* connection, const std::string& host);

// After a handshake that failed: why the peer's certificate was not accepted; empty: it was not
// that.
std::string unaccepted_certificate(ssl_st* connection);

// Whom a certificate is about, once it has been verified.
struct PeerCertificate {
  std::vector<std::string> names;  // the alternative names (DNS, URI), then the common name
};
// Null: the peer has shown none.
std::shared_ptr<const PeerCertificate> peer_certificate(ssl_st* connection);

}  // namespace assent
