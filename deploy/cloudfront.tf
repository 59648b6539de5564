# Readers by CloudFront, holt-edge as a Lambda function and S3; writers and everything live by `holt serve`, wherever it runs.
#
#   cargo build --release -p holt-edge && cp target/release/holt-edge bootstrap && zip edge.zip bootstrap
#   terraform apply -var domain=wiki.example.org -var origin=origin.example.org -var certificate=arn:aws:acm:us-east-1:… -var edge=edge.zip
#   holt serve --publish-to s3://$(terraform output -raw bucket) --purge cloudfront://$(terraform output -raw distribution) …
#
# Before the DNS leads here: `holt publish --to s3://BUCKET --verify`. To go back: -var readers=server, and nothing else.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.60" }
  }
}

variable "domain" {
  description = "Wikis are at SLUG.DOMAIN, the platform at DOMAIN itself"
  type        = string
}

variable "origin" {
  description = "Where `holt serve` is, with TLS: the host it is asked by is the reader's"
  type        = string
}

variable "certificate" {
  description = "ARN of a certificate for DOMAIN and *.DOMAIN, in us-east-1"
  type        = string
}

variable "edge" {
  description = "holt-edge, called bootstrap, in a zip file"
  type        = string
}

variable "readers" {
  description = "Who answers pages: edge, or server to go back to how it was"
  type        = string
  default     = "edge"
  validation {
    condition     = contains(["edge", "server"], var.readers)
    error_message = "readers is edge or server."
  }
}

# ---- where published pages are: nobody but the function reads them

resource "aws_s3_bucket" "pages" {
  bucket_prefix = "holt-pages-"
}

resource "aws_s3_bucket_public_access_block" "pages" {
  bucket                  = aws_s3_bucket.pages.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# ---- the function

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.pages.arn}/*"]
  }
  # With it a missing page is a 404 of S3, without it a 403, which says nothing.
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.pages.arn]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.edge.arn}:*"]
  }
}

resource "aws_cloudwatch_log_group" "edge" {
  name              = "/aws/lambda/holt-edge"
  retention_in_days = 14
}

resource "aws_iam_role" "edge" {
  name_prefix        = "holt-edge-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "edge" {
  role   = aws_iam_role.edge.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_lambda_function" "edge" {
  function_name    = "holt-edge"
  role             = aws_iam_role.edge.arn
  runtime          = "provided.al2023"
  architectures    = ["x86_64"]
  handler          = "bootstrap"
  filename         = var.edge
  source_code_hash = filebase64sha256(var.edge)
  memory_size      = 256
  timeout          = 10
  environment {
    variables = {
      HOLT_FRAGMENTS   = "s3://${aws_s3_bucket.pages.id}"
      HOLT_DOMAIN      = var.domain
      HOLT_HOST_HEADER = "x-holt-host"
    }
  }
  depends_on = [aws_cloudwatch_log_group.edge]
}

resource "aws_lambda_function_url" "edge" {
  function_name      = aws_lambda_function.edge.function_name
  authorization_type = "AWS_IAM"
}

resource "aws_lambda_permission" "cloudfront" {
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.edge.function_name
  principal              = "cloudfront.amazonaws.com"
  source_arn             = aws_cloudfront_distribution.wikis.arn
  function_url_auth_type = "AWS_IAM"
}

resource "aws_cloudfront_origin_access_control" "edge" {
  name                              = "holt-edge"
  origin_access_control_origin_type = "lambda"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# ---- what is kept, and by what

# A page is the same whoever asks and whatever else they send: host and path alone tell pages apart, and the few words of a query that ask for
# something live. How long it is kept is what the answer says; what says private or no-store is not.
resource "aws_cloudfront_cache_policy" "pages" {
  name        = "holt-pages"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 60
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip = true
    headers_config {
      header_behavior = "whitelist"
      headers { items = ["X-Holt-Host"] }
    }
    cookies_config { cookie_behavior = "none" }
    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings { items = ["revision", "edit", "thumbnail", "size", "width", "height", "raw", "draft"] }
    }
  }
}

data "aws_cloudfront_cache_policy" "static" {
  name = "Managed-CachingOptimized"
}

data "aws_cloudfront_cache_policy" "nothing" {
  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "all_but_host" {
  name = "Managed-AllViewerExceptHostHeader"
}

data "aws_cloudfront_origin_request_policy" "all" {
  name = "Managed-AllViewer"
}

# Who writes, is logged in or asks for something live is sent to the server; all others to the edge, which is asked by its own host (its requests
# are signed) and told the reader's beside it. Whatever a reader says in that header is replaced.
resource "aws_cloudfront_function" "route" {
  name    = "holt-route"
  runtime = "cloudfront-js-2.0"
  code    = <<-EOT
    import cf from 'cloudfront';
    var LIVE = /\/(a|attachment|attachments|blame|comments|delete|diff|draft|edit|history|inline_attachment|presence|preview|rename|save|source|t|view|watch)(\/|$)/;
    var QUERY = ['revision', 'edit', 'thumbnail', 'size', 'width', 'height', 'raw', 'draft'];
    function handler(event) {
      var request = event.request;
      var host = request.headers.host.value.toLowerCase();
      request.headers['x-holt-host'] = { value: host };
      var known = Object.keys(request.cookies).some(function (name) { return name.indexOf('holt_session') >= 0; });
      var live = (request.method !== 'GET' && request.method !== 'HEAD') || known || request.headers.authorization
        || host === '${var.domain}' || LIVE.test(request.uri) || QUERY.some(function (word) { return word in request.querystring; });
      if (live) {
        cf.updateRequestOrigin({ domainName: '${var.origin}', hostHeader: host, originAccessControlConfig: { enabled: false } });
      }
      return request;
    }
  EOT
}

resource "aws_cloudfront_distribution" "wikis" {
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  aliases         = [var.domain, "*.${var.domain}"]

  origin {
    origin_id                = "edge"
    domain_name              = replace(replace(aws_lambda_function_url.edge.function_url, "https://", ""), "/", "")
    origin_access_control_id = aws_cloudfront_origin_access_control.edge.id
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  origin {
    origin_id   = "server"
    domain_name = var.origin
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  # Pages. The one switch: with readers=server they come from where everything else does.
  default_cache_behavior {
    target_origin_id         = var.readers
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = false
    cache_policy_id          = var.readers == "edge" ? aws_cloudfront_cache_policy.pages.id : data.aws_cloudfront_cache_policy.nothing.id
    origin_request_policy_id = var.readers == "edge" ? data.aws_cloudfront_origin_request_policy.all_but_host.id : data.aws_cloudfront_origin_request_policy.all.id
    dynamic "function_association" {
      for_each = var.readers == "edge" ? [aws_cloudfront_function.route.arn] : []
      content {
        event_type   = "viewer-request"
        function_arn = function_association.value
      }
    }
  }

  # Style, scripts and fonts: their names change with what they hold.
  ordered_cache_behavior {
    path_pattern             = "/-/static/*"
    target_origin_id         = "server"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = false
    cache_policy_id          = data.aws_cloudfront_cache_policy.static.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all.id
  }

  # Everything that is live for all wikis alike, never kept.
  dynamic "ordered_cache_behavior" {
    for_each = ["/-/*", "/api/*", "/mcp*", "/oauth/*", "/.well-known/*", "/.git/*", "/platform/*"]
    content {
      path_pattern             = ordered_cache_behavior.value
      target_origin_id         = "server"
      viewer_protocol_policy   = "redirect-to-https"
      allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
      cached_methods           = ["GET", "HEAD"]
      compress                 = false
      cache_policy_id          = data.aws_cloudfront_cache_policy.nothing.id
      origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all.id
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction { restriction_type = "none" }
  }
}

# ---- what `holt serve` may do: publish, and purge

data "aws_iam_policy_document" "publish" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.pages.arn}/*"]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.pages.arn]
  }
  statement {
    actions   = ["cloudfront:CreateInvalidation"]
    resources = [aws_cloudfront_distribution.wikis.arn]
  }
}

resource "aws_iam_policy" "publish" {
  name_prefix = "holt-publish-"
  policy      = data.aws_iam_policy_document.publish.json
}

output "bucket" {
  value = aws_s3_bucket.pages.id
}

output "distribution" {
  value = aws_cloudfront_distribution.wikis.id
}

output "publish_policy" {
  value = aws_iam_policy.publish.arn
}

output "dns" {
  description = "What DOMAIN and *.DOMAIN are an alias of"
  value       = aws_cloudfront_distribution.wikis.domain_name
}
