"""The `model-demo` kind, offered with DEMO_KIND=1 where there is a model: asks it one thing after the other."""

from pydantic import ConfigDict, Field

from server.llm.base import Model, prompt
from server.llm.budget import Budget, Limits
from server.models import Json
from server.workflows.asking import write_in_step
from server.workflows.base import Context, Params, Workflow
from server.workflows.chinese import titled

CHINESE_TITLES = {
    "prompts": ("提示", "要问的内容，每个一步。"),
    "calls": ("模型调用次数", "最多调用模型的次数。"),
    "seconds": ("秒数", "最长工作时间，单位为秒。"),
}


class ModelDemoParams(Params):
    """Parameters of `model-demo`."""

    model_config = ConfigDict(json_schema_extra=titled(CHINESE_TITLES))

    prompts: tuple[str, ...] = Field(min_length=1, max_length=100, description="What to ask, one step each.")
    calls: int | None = Field(None, ge=1, description="Most calls of the model.")
    seconds: float | None = Field(None, gt=0, description="Most working time, in seconds.")


def model_demo_workflow(model: Model) -> Workflow:
    async def run(ctx: Context, params: ModelDemoParams) -> Json:
        ctx.expect(len(params.prompts))
        budget = Budget(Limits(seconds=params.seconds, calls=params.calls), model.price)
        finishes = []
        for number, text in enumerate(params.prompts, 1):
            part, label = f"reply-{number}", f"Reply {number}"
            asked = prompt(text)
            written = await write_in_step(
                ctx, f"ask:{number}", model, asked, budget, part=part, thoughts=f"thoughts-{number}", label=label
            )
            finishes.append(str(written.finish))
        return {"engine": "llm", "model": model.name, "finishes": finishes, "spent": budget.to_json()}

    return Workflow(
        kind="model-demo",
        version=1,
        params=ModelDemoParams,
        run=run,
        title=lambda params: params.prompts[0][:60],
        label={"en": "Model demo", "zh": "模型演示"},
        model=model.identity,
    )
