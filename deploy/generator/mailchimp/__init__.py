"""An audience at Mailchimp: subscribers, campaigns, and who opens and clicks what."""
