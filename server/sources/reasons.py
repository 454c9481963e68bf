"""Why a source failed, in the report's language. The English sentence comes with the failure and says more."""

_CHINESE = {
    "bad_response": "服务器的回应无法解读",
    "binary": "内容不是任何已知编码的文本",
    "broken": "文件已损坏，无法读取",
    "budget": "任务的时间预算已用完",
    "empty": "没有可供引用的文字",
    "encrypted": "文件受密码保护",
    "forbidden_address": "该地址不在公共互联网上或端口不允许，未抓取",
    "invalid_url": "地址无效或不允许",
    "needs_browser": "网页的文字由脚本生成，而浏览器未能取得",
    "outside_library": "这是指向资料库之外的链接",
    "timeout": "没有在规定时间内得到回应",
    "too_large": "内容超过大小上限",
    "too_many_redirects": "重定向次数过多",
    "unknown_host": "找不到该主机",
    "unreachable": "无法连接服务器",
    "unreadable": "系统不允许读取该文件",
    "unsupported_type": "不支持这种文件类型",
}
CODES = frozenset(_CHINESE)
"""All codes of failed sources but ``http_404`` and the like."""
_CHINESE_OF_PROVIDERS = {
    "busy": "等待它的检索太多",
    "cooling_down": "此前多次失败或请求过多，暂时不再询问",
    "denied": "拒绝了请求：需要密钥，或密钥不对",
    "missing_package": "缺少所需的软件包",
    "no_provider": "没有配置检索服务",
    "rate_limited": "请求过于频繁，要求稍后再试",
}
PROVIDER_CODES = frozenset(_CHINESE_OF_PROVIDERS)
"""Those that only search providers have, beside the ones above."""


def reason(language: str, code: str, message: str) -> str:
    """One sentence for people; ``message`` where nothing is known in the language."""
    if language != "zh":
        return message
    if code.startswith("http_"):
        return f"服务器返回 {code.removeprefix('http_')}。"
    known = _CHINESE | _CHINESE_OF_PROVIDERS
    return f"{known[code]}。" if code in known else message
