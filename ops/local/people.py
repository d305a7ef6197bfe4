"""Who is told on a local stack: a queue, subscribed to the topic as a person's address would be."""

import json

from ops.local.emulator import Emulator


def listening(emulator: Emulator, topic_arn: str, name: str) -> str:
    """Subscribe a queue of that name to the topic; returns its URL.

    It is no resource of the stack, as no person is.
    """
    sqs = emulator.client("sqs")
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    known = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": known["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    emulator.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=known["QueueArn"])
    return url
