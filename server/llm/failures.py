"""How a model can fail a task: a code for each way, and whether trying later makes sense."""

from typing import ClassVar

from server.errors import HoldfastError


class ModelFailed(HoldfastError):
    """The model's endpoint did not do what was asked of it."""

    status = 502
    code = "model_failed"


class ModelUnavailable(ModelFailed):
    """The model's endpoint can't be reached, or says that it can't answer now."""

    status = 503
    code = "model_unavailable"
    retryable = True


class ModelRateLimited(ModelFailed):
    """The model's endpoint takes no more requests for a while."""

    status = 503
    code = "model_rate_limited"
    retryable = True


class ModelTimeout(ModelFailed):
    """The model said nothing for too long; MODEL_FIRST_TOKEN_SECONDS and MODEL_NEXT_TOKEN_SECONDS bound that."""

    status = 504
    code = "model_timeout"
    retryable = True


class ModelCut(ModelFailed):
    """The model's reply broke off before it was whole."""

    code = "model_cut"
    retryable = True


class ModelGarbled(ModelFailed):
    """The endpoint's answer is not what an OpenAI-compatible one sends; OPENAI_BASE_URL may be wrong."""

    code = "model_garbled"
    retryable = True


class ModelEmpty(ModelFailed):
    """The model's reply has nothing in it."""

    code = "model_empty"
    retryable = True


class ModelReplyInvalid(ModelFailed):
    """The model's reply does not fit what was asked for, and asking it to put that right did not help."""

    code = "model_reply_invalid"


class ModelDenied(ModelFailed):
    """The model's endpoint refuses this server's key; look at OPENAI_API_KEY."""

    code = "model_denied"


class ModelQuotaSpent(ModelFailed):
    """The account at the model's endpoint has nothing left."""

    code = "model_quota_spent"


class ModelUnknown(ModelFailed):
    """The endpoint has no such model, or is not at this address; look at OPENAI_MODEL and OPENAI_BASE_URL."""

    code = "model_unknown"


class ModelRejected(ModelFailed):
    """The model's endpoint does not accept the request."""

    code = "model_rejected"


class ContextTooLong(ModelFailed):
    """The prompt is longer than the model can take in."""

    code = "model_context_too_long"


class ContentFiltered(ModelFailed):
    """The model's endpoint withheld the reply by its rules on content."""

    code = "model_content_filtered"


class BudgetSpent(ModelFailed):
    """The task's budget is spent."""

    status = 409
    code = "budget_spent"


LASTING: tuple[type[ModelFailed], ...] = (ModelReplyInvalid, BudgetSpent, ContextTooLong, ContentFiltered)
"""What a request itself comes to: the same again, whenever it is made, so it is recorded and not paid for twice.

All others pass, or wait for whoever runs the server: a key, a name or an account can be put right.
"""

OF_SETTINGS: tuple[type[ModelFailed], ...] = (ModelDenied, ModelQuotaSpent, ModelUnknown)
"""What every request comes to until whoever runs the server has put it right: it is no item's failure."""


class Rebuild:
    """A failure from what a journal holds of it."""

    classes: ClassVar[dict[str, type[ModelFailed]]] = {each.code: each for each in LASTING}

    @classmethod
    def failure(cls, code: str, detail: str) -> ModelFailed:
        return cls.classes.get(code, ModelFailed)(detail)
