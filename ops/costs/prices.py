"""List prices of AWS in us-east-1, in USD, without free tiers, taxes and discounts.

As of 24 November 2026, from the pages named beside them; to check one against the live list, see
https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<Service>/current/us-east-1/index.json
"""

from typing import Final

AS_OF: Final = "2026-11-24"
REGION: Final = "us-east-1"

# https://aws.amazon.com/lambda/pricing/ (arm64)
LAMBDA_REQUEST: Final = 0.20 / 1_000_000
LAMBDA_GB_SECOND: Final = 0.0000133334
# https://aws.amazon.com/step-functions/pricing/ (Standard; each retry is a transition too)
STATE_TRANSITION: Final = 0.025 / 1_000
# https://aws.amazon.com/systems-manager/pricing/ (AppConfig: asked for, and received when changed)
CONFIGURATION_REQUEST: Final = 0.0000002
CONFIGURATION_RECEIVED: Final = 0.0008
# https://aws.amazon.com/cloudwatch/pricing/
METRIC_MONTH: Final = 0.30
METRIC_ASKED: Final = 0.01 / 1_000
ALARM_METRIC_MONTH: Final = 0.10
DASHBOARD_MONTH: Final = 3.00
LOG_GB_INGESTED: Final = 0.50
LOG_GB_MONTH: Final = 0.03
# https://aws.amazon.com/eventbridge/pricing/ (Scheduler)
SCHEDULE_INVOCATION: Final = 1.00 / 1_000_000
# https://aws.amazon.com/sns/pricing/ (a publish; e-mail deliveries)
SNS_PUBLISH: Final = 0.50 / 1_000_000
SNS_EMAIL: Final = 2.00 / 100_000
# https://aws.amazon.com/xray/pricing/
TRACE_RECORDED: Final = 5.00 / 1_000_000
# https://aws.amazon.com/secrets-manager/pricing/
SECRET_MONTH: Final = 0.40

MONTH_SECONDS: Final = 730 * 3600
GB: Final = 1024**3
