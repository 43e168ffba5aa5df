"""Which errors pass, which concern one request, and which will be the same for every request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.teachers.api import OpenAITeacher
from sppl.teachers.faults import classify_error, read_error
from sppl.teachers.teacher import NoAnswer, Refused, Rejected, Transient

TEACHER = OpenAITeacher(name="t", model="m", api_key_env="A_KEY", request={"thinking": {}, "reasoning_effort": "x"})


def openai(message, code=None, kind="invalid_request_error", param=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic(message, kind="invalid_request_error", **details):
    return {"type": "error", "error": {"type": kind, "message": message, "details": details or None}}


HOPELESS = [
    (429, openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")),
    (429, {"error": "You exceeded your current quota, please check your plan and billing details."}),
    (400, openai("Billing hard limit has been reached", "billing_hard_limit_reached")),
    (429, openai("Your account is not active, please check your billing details.", "billing_not_active")),
    (400, anthropic("Your credit balance is too low to access the Anthropic API.")),
    (403, anthropic("Something about money", "billing_error")),
    (429, anthropic("Over the threshold", "rate_limit_error", error_code="enforced_spend_limit_reached")),
    (400, anthropic("Disabled for trust and safety reasons", error_code="organization_on_hold")),
    (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}}),
    (402, "Payment Required"),
    (400, anthropic("You have reached your specified API usage limits. You will regain access on 2026-12-01.")),
    (429, {"message": "You are using a Trial key, which is limited to 1000 API calls / month."}),
    (429, [{"error": {"code": 429, "message": "Your prepayment credits are depleted."}}]),
    (200, {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}),
    (429, openai("您的账户已欠费，请充值后重试", "1113")),
    (400, openai("Budget has been exceeded! Current cost: 10.2, Max budget: 10.0", "budget_exceeded")),
    (429, openai("No remaining credits")),
    (400, openai("API Key not found. Please pass a valid API key.")),
    (400, anthropic("This organization has been disabled.")),
    (400, {"message": "The provided model identifier is invalid."}),
    (400, openai("Invalid value for 'temperature': must be <= 1")),
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "foo"], "msg": "Extra inputs are not permitted"}]}),
    (402, {"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens."}}),
    (429, {"error": {"message": "Your account is suspended", "type": "exceeded_current_quota_error"}}),
    (403, {"code": "The caller has no permission", "error": "Your newly created team doesn't have any credits yet."}),
    (400, {"error": {"code": "Arrearage", "message": "Access denied: not in good standing."}}),
    (200, {"error": {"code": 402, "message": "Insufficient credits"}}),
    (401, openai("Incorrect API key provided: sk-x.", "invalid_api_key")),
    (401, anthropic("invalid x-api-key", "authentication_error")),
    (400, [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID"}}]),
    (401, {"detail": "Unauthorized"}),
    (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory")),
    (403, anthropic("Your API key does not have permission to use the specified resource.", "permission_error")),
    (404, openai("The model `x` does not exist or you do not have access to it.", "model_not_found")),
    (404, anthropic("model: claude-x", "not_found_error")),
    (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}),
    (404, {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error"}}),
    (400, {"error": {"message": "x is not a valid model ID", "code": 400}}),
    (400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error", "code": "invalid_request_error"}}),
    (400, openai("The model `x` has been decommissioned and is no longer supported.", "model_decommissioned")),
    (404, "<html>not found</html>"),
    (405, ""),
    (410, "gone"),
    (400, openai("Unsupported parameter: 'max_tokens'", "unsupported_parameter", param="max_tokens")),
    (400, openai("Unsupported value: 'temperature' does not support 0.5", "unsupported_value", param="temperature")),
    (400, openai("Invalid value: 'x'.", "invalid_value", param="reasoning_effort")),
    (400, anthropic("max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude-x")),
    (400, anthropic("thinking.type: Input tag 'x' is not one of the expected ones")),
    (400, anthropic("`temperature` is deprecated for this model.")),
]  # fmt: skip
OWN = [
    (400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded", param="messages")),
    (400, openai("'max_tokens' is too large: 2000. The context length is 2048 tokens and your request has 100")),
    (400, anthropic("prompt is too long: 210000 tokens > 200000 maximum")),
    (413, anthropic("Request exceeds the maximum size", "request_too_large")),
    (400, openai("Your prompt was flagged as potentially violating our usage policy.", "invalid_prompt")),
    (400, openai("The response was filtered by the content management policy", "content_filter", param="prompt")),
    (403, {"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["violence"]}}}),
    (400, openai("fault 400")),
    (422, {"detail": [{"loc": ["body", "messages"], "msg": "value is not a valid list", "type": "type_error"}]}),
    (200, {"error": {"message": "Input was flagged by moderation", "code": 403}}),
]  # fmt: skip
PASSING = [
    (429, openai("Rate limit reached for gpt-x on tokens per min (TPM): Limit 30000, Used 29000. Please try again in "
                 "1.2s. You can increase it by adding a payment method to your account: https://x/account/billing.",
                 "rate_limit_exceeded", "tokens")),
    (429, anthropic("This would exceed your organization's limit of 50 requests per minute", "rate_limit_error")),
    (429, anthropic("Slow down", "rate_limit_error", error_code="ramp_limit_exceeded")),
    (429, [{"error": {"code": 429, "message": "You exceeded your current quota, please check your plan. Quota exceeded "
                      "for requests per minute. Please retry in 33.5s.", "status": "RESOURCE_EXHAUSTED"}}]),
    (529, anthropic("Overloaded", "overloaded_error")),
    (500, anthropic("Internal server error", "api_error")),
    (503, "<html>upstream</html>"),
    (408, ""),
    (409, openai("fault 409")),
    (425, ""),
    (200, {"error": {"message": "Provider returned error", "code": 502}}),
    (200, {"error": "upstream closed the connection"}),
    (200, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    (200, {"choices": [], "error": {"message": "Rate limit exceeded", "code": "rate_limit_exceeded"}}),
]  # fmt: skip


def judged(status, body):
    said = read_error(body)
    return classify_error(said.status if status == 200 else status, said, TEACHER)


@pytest.mark.parametrize(("status", "body"), HOPELESS)
def test_what_will_be_the_same_for_every_request_ends_the_asking(status, body):
    error = judged(status, body)
    assert type(error) is Refused, error


@pytest.mark.parametrize(("status", "body"), OWN)
def test_what_is_wrong_with_one_request_is_its_own(status, body):
    error = judged(status, body)
    assert type(error) is Rejected, error


@pytest.mark.parametrize(("status", "body"), PASSING)
def test_what_passes_is_tried_again(status, body):
    error = judged(status, body)
    assert type(error) is Transient, error


@pytest.mark.parametrize(
    ("status", "body", "way_on"),
    [
        (*HOPELESS[0], "429: You exceeded your current quota. (insufficient_quota). Its account needs credit, or a "
         "higher limit, at the provider's"),
        (401, openai("No."), "401: No. (invalid_request_error). Look at the key: teacher.t.api_key_env=A_KEY"),
        (404, openai("model x not found"), "404: model x not found (invalid_request_error). Give another one: "
         "teacher.t.model=MODEL"),
        (404, "", "404: no reason given. Look at teacher.t.base_url and teacher.t.model"),
        (400, openai("Invalid value.", "invalid_value", param="reasoning_effort"), "400: Invalid value. (invalid_value "
         "invalid_request_error) (the field reasoning_effort). What every request holds is set by teacher.t.request"),
    ],
)  # fmt: skip
def test_the_reason_and_the_way_on_are_in_the_sentence(status, body, way_on):
    assert str(judged(status, body)) == way_on


@pytest.mark.parametrize(("wait", "kind"), [(None, Transient), (30.0, Transient), (600.0, Transient), (601.0, Refused)])
def test_a_wait_of_more_than_ten_minutes_is_not_waited_for(wait, kind):
    error = classify_error(429, read_error(openai("Slow down")), TEACHER, wait=wait)
    assert type(error) is kind
    assert getattr(error, "wait", wait) == wait


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "type", "detail", "param", "errors", "details"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.integers(300, 599), JSON)
def test_any_body_of_an_error_is_a_sentence_of_one_line(status, body):
    error = classify_error(status, read_error(body), TEACHER)
    assert isinstance(error, NoAnswer)
    assert str(error).startswith(f"{status}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 1200
