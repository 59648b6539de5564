# Varnish 7 in front of holt-edge and holt serve. Included by a file that says where they are, and who may purge:
#
#   vcl 4.1;
#   import directors;
#   backend edge_one { .host = "127.0.0.1"; .port = "8081"; }
#   backend edge_two { .host = "127.0.0.1"; .port = "8082"; }
#   backend origin   { .host = "127.0.0.1"; .port = "8080"; }
#   acl publishers { "127.0.0.1"; }
#   sub vcl_init { new edges = directors.fallback(); edges.add_backend(edge_one); edges.add_backend(edge_two); }
#   include "/etc/varnish/holt.vcl";      # this file
#
# holt serve is started with --purge varnish://127.0.0.1:6081.

import std;

sub vcl_recv {
    # Forget what carries one of these words (Surrogate-Key), everywhere in the cache.
    if (req.method == "BAN") {
        if (!client.ip ~ publishers) {
            return (synth(403, "Forbidden"));
        }
        if (req.http.X-Holt-Forget !~ "^[wp][0-9a-f]{16}( [wp][0-9a-f]{16})*$") {
            return (synth(400, "Bad request"));
        }
        if (std.ban("obj.http.Surrogate-Key ~ (^|[[:space:]])(" + regsuball(req.http.X-Holt-Forget, " ", "|") + ")([[:space:]]|$)")) {
            return (synth(200, "Banned"));
        }
        return (synth(500, "Not banned"));
    }
    # One spelling of a host is one entry of the cache.
    set req.http.Host = std.tolower(req.http.Host);
    unset req.http.X-Holt-Ask;
    # Whoever writes, is logged in or asks for something live asks the server itself.
    if ((req.method != "GET" && req.method != "HEAD")
        || req.http.Authorization
        || req.http.Cookie ~ "(^|;\s*)(__Host-)?holt_(session|viewer)"
        || (req.url ~ "^/(-|api|mcp|oauth|platform|\.git|\.well-known)(/|\?|$)" && req.url !~ "^/-/static/")
        || req.url ~ "^/[^?]*/(a|attachment|attachments|blame|comments|delete|diff|draft|edit|history|inline_attachment|presence|preview|rename|save|source|t|view|watch)(/|\?|$)"
        || req.url ~ "[?&](revision|edit|thumbnail|size|width|height|raw|draft)(=|&|$)") {
        set req.backend_hint = origin;
        return (pass);
    }
    # A page is the same whatever else is asked with it.
    set req.url = regsub(req.url, "\?.*$", "");
    unset req.http.Cookie;
    set req.backend_hint = edges.backend();
    return (hash);
}

# What edges do not have, the server may: attachments, folders, the platform's own pages.
sub vcl_backend_fetch {
    if (bereq.http.X-Holt-Ask == "server") {
        set bereq.backend = origin;
    }
}

sub vcl_backend_response {
    if (beresp.status == 404 && bereq.backend != origin && !bereq.uncacheable && !bereq.http.X-Holt-Ask) {
        set bereq.http.X-Holt-Ask = "server";
        return (retry);
    }
    if (beresp.http.Cache-Control ~ "(private|no-store)" || beresp.http.Set-Cookie) {
        set beresp.uncacheable = true;
        set beresp.ttl = 10s;
        set beresp.grace = 0s;
        return (deliver);
    }
    # What went wrong is asked of the next edge, and not kept.
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        if (!bereq.uncacheable && bereq.retries < 1) {
            return (retry);
        }
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
    }
}

sub vcl_backend_error {
    # The server is away, and edges do not have it.
    if (bereq.http.X-Holt-Ask) {
        set beresp.status = 404;
        set beresp.http.Content-Type = "text/plain; charset=utf-8";
        set beresp.http.Cache-Control = "no-store";
        set beresp.uncacheable = true;
        synthetic("There is nothing here at the moment.");
        return (deliver);
    }
    if (!bereq.uncacheable && bereq.retries < 2) {
        return (retry);
    }
}

sub vcl_deliver {
    # These words are between us and the server.
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
